/** Rules in the form that Prometheus reads. */
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import type { Alert, RuleGroup } from './rule.ts';

/** Where the runbook is read: a path in this repository; an address of one's own makes it a link in notifications. */
const RUNBOOK = 'docs/runbook.md';

/** The content of a rule file. */
export function ruleFile(groups: readonly RuleGroup[]) {
  return {
    groups: groups.map(({ name, recordings, alerts }) => ({
      name,
      rules: [...recordings.map(({ record, expr }) => ({ record, expr })), ...alerts.map(alertingRule)],
    })),
  };
}

function alertingRule(alert: Alert) {
  return {
    alert: alert.name,
    expr: alert.expr,
    ...(alert.for && { for: alert.for }),
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert),
  };
}

/** With Prometheus's templates not yet filled in. */
export function annotationsOf({ name, summary }: Alert) {
  return { summary, runbook_url: `${RUNBOOK}#${name.toLowerCase()}` };
}

/** The same for Prometheus's operator in Kubernetes. Throws where its schema is not kept. */
export function prometheusRule(groups: readonly RuleGroup[]): PrometheusRule {
  const rule = new PrometheusRule({
    metadata: { name: 'packhorse', labels: { 'app.kubernetes.io/name': 'packhorse' } },
    spec: ruleFile(groups),
  });
  rule.validate();
  return rule;
}
