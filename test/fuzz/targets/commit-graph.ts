import { CommitGraph } from '../../../src/repository/commit-graph.ts';
import { CommitGraphLayer } from '../../../src/repository/commit-graph-layer.ts';
import { OBJECT_FORMATS } from '../../../src/repository/object-format.ts';
import { inOneGo } from '../../../src/stretches.ts';
import { withTrailer } from '../checksums.ts';
import { memoryFile } from '../memory-file.ts';
import { joinParts, splitParts } from '../parts.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

const { sha1 } = OBJECT_FORMATS;

/** A file, and the one that it stands on, where there is one. */
export const commitGraph: Target = {
  name: 'commit-graph',
  reads: 'commit-graphs, alone and in chains of two',
  seeds: () => readCorpus('commit-graph'),
  tokens: ['CGPH', 'OIDF', 'OIDL', 'CDAT', 'EDGE', 'GDA2', 'GDO2', 'BASE', '\x70\0\0\0', '\x80\0\0\0'],
  repair(input) {
    const [top, below] = splitParts(input, 2);
    if (below.length < 20) return joinParts(withTrailer(top));
    const sound = withTrailer(below);
    // The upper file names the lower one by its hash.
    const named = Buffer.from(top);
    const at = named.indexOf(below.subarray(-20));
    if (at >= 0) sound.copy(named, at, sound.length - 20);
    return joinParts(withTrailer(named), sound);
  },
  run(input) {
    const [top, below] = splitParts(input, 2);
    const layers: CommitGraphLayer[] = [];
    for (const bytes of below.length > 0 ? [below, top] : [top]) {
      const layer = orRefused(() => inOneGo(CommitGraphLayer.read(memoryFile(bytes), sha1, [...layers])));
      if (!layer) break;
      layers.push(layer);
    }
    if (layers.length > 0) readAll(new CommitGraph(layers, true));
  },
};

function readAll(graph: CommitGraph): void {
  const parents: number[] = [];
  for (let position = 0; position < graph.count; position++) {
    const found = graph.find(graph.data(position), graph.idAt(position));
    must(found >= 0 && found < graph.count, 'a commit of the graph is found');
    graph.treeAt(position);
    graph.date(position);
    graph.parents(position, parents);
    for (const parent of parents) must(parent < graph.count, 'a parent is in the graph');
    if (graph.hasGenerations) {
      const isBelow = (parent: number) => graph.generation(parent) < graph.generation(position);
      must(parents.every(isBelow), 'generations fall to the parents');
    }
    parents.length = 0;
  }
}
