/** The runbook: a section for each alert, and what the recorded names mean. */
import type { Alert, Look, RuleGroup } from './rule.ts';

export function runbook(groups: readonly RuleGroup[]): string {
  const alerts = groups.flatMap((group) => group.alerts);
  return `${[
    HEAD,
    table(
      ['alert', 'severity', 'what has happened'],
      alerts.map(({ name, severity, runbook: { meaning } }) => [
        linkTo(name),
        severity,
        firstSentence(meaning),
      ]),
    ),
    ...alerts.map(section),
    '## Recorded names',
    'Dashboards of your own, and autoscalers, can ask for these:',
    table(
      ['name', 'what it is'],
      groups.flatMap(({ recordings }) => recordings.map(({ record, says }) => [`\`${record}\``, says])),
    ),
  ].join('\n\n')}\n`;
}

const HEAD = `# Runbook

<!-- Made by \`npm run dashboards\` from grafana/alerts/; change it there. -->

An alert has fired. Find its name below. Each section says what has happened and who feels it, what to do first, where to look, and
what helps. A **page** wants someone now; a **ticket** wants someone this working day.

- **Panels** are those of the dashboard "Packhorse" in Grafana; "Packhorse replicas" shows which instance is not like the others.
- **Queries** are for Prometheus: paste them into its page, or into Grafana's Explore.
- **The status page**, \`/\` on the metrics port of an instance, shows what it does at this moment.
- **\`packhorse explain PATH\`** says what serving a repository costs, and what would make it cheaper.
- **\`packhorse.log\`** stands for the log, one JSON object a line, wherever yours goes. One of these writes it:

\`\`\`sh
docker compose logs --no-log-prefix --since 1h packhorse > packhorse.log
kubectl logs --selector app.kubernetes.io/name=packhorse --since 1h --tail -1 > packhorse.log
journalctl --unit packhorse --since -1h --output cat > packhorse.log
\`\`\`

Three things that are always safe: adding a replica; stopping one of several with SIGTERM, which finishes its clones first (up to
\`--drain-timeout\`); deleting a cache directory, after which packs are made anew. One that is not: SIGKILL, which breaks off every
clone.`;

function section(alert: Alert): string {
  const { meaning, first, look, causes, urgency } = alert.runbook;
  return [
    `## ${alert.name}`,
    `**${alert.severity === 'page' ? 'Page' : 'Ticket'}.** ${meaning}`,
    ...(first ? [`**First:** ${first}`] : []),
    '**Look:**',
    look.map(lookAt).join('\n\n'),
    '**What helps:**',
    table(
      ['cause', 'remedy'],
      causes.map(({ cause, remedy }) => [cause, remedy]),
    ),
    `**How urgent:** ${urgency}`,
    `The rule${alert.for ? `, which has to hold for ${alert.for}` : ''}:`,
    fenced('promql', alert.expr, ''),
  ].join('\n\n');
}

function lookAt({ for: what, panel, query, command }: Look, index: number): string {
  const number = `${index + 1}. `;
  const indent = ' '.repeat(number.length);
  const parts = [`${number}${what}${panel ? ` Panel "${panel}".` : ''}`];
  if (query) parts.push(fenced('promql', query, indent));
  if (command) parts.push(fenced('sh', command, indent));
  return parts.join('\n\n');
}

function fenced(language: string, text: string, indent: string): string {
  return [`\`\`\`${language}`, text, '```'].map((line) => indent + line).join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

function firstSentence(text: string): string {
  return text.slice(0, text.search(/[.;:](?: |$)/));
}
