/** A panel in Grafana's own form. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Panel as BuiltPanel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Panel } from './panel.ts';

/** The one that was chosen at the top of the dashboard. */
export const DATA_SOURCE = { type: 'prometheus', uid: `\${datasource}` };

const COLUMNS = 8;
const HEIGHT = 8;

/** @param id a number of its own within the dashboard */
export function buildPanel(panel: Panel, id: number): Builder<BuiltPanel> {
  return builderOf(panel)
    .id(id)
    .title(panel.title)
    .description(describe(panel))
    .datasource(DATA_SOURCE)
    .unit(panel.unit)
    .span(panel.span ?? COLUMNS)
    .height(HEIGHT)
    .targets(targetsOf(panel));
}

function describe({ description, alert }: Panel): string {
  return alert ? `${description} Above the red line ${alert.name} fires.` : description;
}

function builderOf(panel: Panel) {
  switch (panel.view) {
    case 'lines':
    case 'stack':
      return lines(panel);
    case 'number':
    case 'name':
      return stat(panel);
    case 'heatmap':
      return heatmap(panel);
  }
}

function lines({ view, alert }: Panel): LinesBuilder {
  const builder = new LinesBuilder()
    .min(0)
    .lineWidth(1)
    .fillOpacity(view === 'stack' ? 40 : 8)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (view === 'stack') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (!alert) return builder;
  return builder
    .thresholds(thresholds([{ color: 'red', value: alert.threshold }]))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Green as long as it is 0. */
function stat({ view }: Panel): StatBuilder {
  return new StatBuilder()
    .thresholds(thresholds(view === 'number' ? [{ color: 'orange', value: 1 }] : []))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .textMode(view === 'name' ? BigValueTextMode.Name : BigValueTextMode.Auto);
}

function heatmap({ unit }: Panel): HeatmapBuilder {
  return new HeatmapBuilder()
    .calculate(false)
    .cellGap(1)
    .yAxis(new YAxisConfigBuilder().unit(unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Blues').steps(64));
}

function thresholds(steps: readonly Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ color: 'green', value: null }, ...steps]);
}

function targetsOf({ view, queries, exemplars }: Panel): Builder<Dataquery>[] {
  return queries.map(({ expr, legend }, number) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + number))
      .datasource(DATA_SOURCE)
      .expr(expr)
      .legendFormat(legend)
      .range();
    if (view === 'heatmap') query.format(PromQueryFormat.Heatmap);
    if (exemplars) query.exemplar(true);
    return query;
  });
}
