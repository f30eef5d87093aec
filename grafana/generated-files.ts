/** The files that are made from what is written here, and committed beside it. */
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { stringify } from 'yaml';
import { RULE_GROUPS } from './alerts/groups.ts';
import { prometheusRule, ruleFile } from './alerts/rule-file.ts';
import { runbook } from './alerts/runbook.ts';
import { buildDashboard } from './dashboard/build.ts';
import { replicas } from './dashboard/replicas.ts';
import { service } from './dashboard/service.ts';

const HEADER = '# Made by `npm run dashboards` from grafana/; change it there.\n';

export const DASHBOARDS = [service, replicas];

/** Their text by their path from the top of the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const dashboards = new Map(
    DASHBOARDS.map((dashboard) => [
      `${dashboard.uid}.json`,
      `${JSON.stringify(buildDashboard(dashboard), null, 2)}\n`,
    ]),
  );
  return new Map([
    ...[...dashboards].map(([name, text]) => [`grafana/dashboards/${name}`, text] as const),
    ['deploy/prometheus/packhorse.rules.yml', yaml(ruleFile(RULE_GROUPS))],
    ['deploy/kubernetes/base/prometheus-rule.yaml', yaml(prometheusRule(RULE_GROUPS))],
    ['deploy/kubernetes/base/dashboards.yaml', yaml(dashboardMap(Object.fromEntries(dashboards)))],
    ['docs/runbook.md', runbook(RULE_GROUPS)],
  ]);
}

/** What the sidecar of Grafana's chart looks for. */
function dashboardMap(data: Readonly<Record<string, string>>): ConfigMap {
  const labels = { 'app.kubernetes.io/name': 'packhorse', grafana_dashboard: '1' };
  const map = new ConfigMap({ metadata: { name: 'packhorse-dashboards', labels }, data });
  map.validate();
  return map;
}

function yaml(value: object): string {
  return HEADER + stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 });
}
