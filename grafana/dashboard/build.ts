/** A dashboard in Grafana's own form. */
import {
  type Dashboard as BuiltDashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { buildPanel, DATA_SOURCE } from './build-panel.ts';
import type { Dashboard } from './panel.ts';

/** What every dashboard can be searched by, and links to the others by. */
const TAG = 'packhorse';

export const INSTANCES = 'label_values(packhorse_build_info, instance)';

export function buildDashboard({ uid, title, description, rows }: Dashboard): BuiltDashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG, 'git'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .link(
      new DashboardLinkBuilder('Packhorse')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      // "All" stands for those that there are, not for any: process_* and nodejs_* are not Packhorse's alone.
      new QueryVariableBuilder('instance')
        .label('Instance')
        .datasource(DATA_SOURCE)
        .definition(INSTANCES)
        .query({ query: INSTANCES, refId: 'instances' })
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .current({ text: ['All'], value: ['$__all'] }),
    );
  let id = 0;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(++id));
    for (const panel of row.panels) builder.withPanel(buildPanel(panel, ++id));
  }
  return builder.build();
}
