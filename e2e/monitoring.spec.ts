import { describe, expect, it } from '@jest/globals';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Alert {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFile(join(root, path), 'utf8');

const alerts = parse(await read('deploy/monitoring/alerts.yml')).groups.flatMap(
  (group: { rules: Alert[] }) => group.rules,
) as Alert[];
const operations = await read('docs/OPERATIONS.md');
const dashboard = JSON.parse(await read('deploy/monitoring/grafana/dashboards/leaver.json'));
const expressions: string[] = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
  panel.targets.map(({ expr }) => expr),
);

/** Names that the services' sources register. */
const registered = new Set<string>();
for (const path of globSync(['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })) {
  if (path.endsWith('.spec.ts')) continue;
  for (const [, name] of (await read(path)).matchAll(/'(leaver_[a-z_]+)'/g)) registered.add(name!);
}

const metricsIn = (expression: string): string[] =>
  [...expression.matchAll(/leaver_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ''));
const headings = [...operations.matchAll(/^## (.+)$/gm)].map(([, title]) =>
  title!
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

describe('alerts', () => {
  it('have a severity, a duration and a link to the runbook', () => {
    expect(alerts.length).toBeGreaterThan(5);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    for (const { alert, for: lasting, labels, annotations } of alerts) {
      expect([alert, lasting]).toEqual([expect.stringMatching(/^Leaver[A-Za-z]+$/), expect.stringMatching(/^\d+m$/)]);
      expect(['warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      const [page, heading] = annotations.runbook.split('#');
      expect(page).toBe('docs/OPERATIONS.md');
      expect(headings).toContain(heading);
    }
  });
});

describe('metrics', () => {
  it('exist if an alert or a panel uses them', () => {
    const asked = [...alerts.map(({ expr }) => expr), ...expressions].flatMap(metricsIn);
    expect(asked.filter((name) => !registered.has(name))).toEqual([]);
  });

  it('are exactly those in the operator’s table', () => {
    const table = operations.split('\n').filter((line) => line.startsWith('| `'));
    expect([...new Set(table.flatMap(metricsIn))].sort()).toEqual([...registered].sort());
  });
});
