import { readFile } from 'node:fs/promises';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

/** What the README shows is what runs: each of its blocks of code stands in the file that it names. */
describe('the README', () => {
  it.each([
    ['a rule', 'const sharedDashboards', '../services/insights/src/departures/insights.rules.ts'],
    ['the test of a rule', 'behavesLikeARule(', '../services/insights/src/departures/insights.rules.spec.ts'],
    ['a subscriber', 'new URL(process.env.NATS_URL ??', '../examples/subscriber/subscriber.mjs'],
  ])('shows %s as it is', async (_what, words, path) => {
    const blocks = (await read('../README.md')).matchAll(/```[a-z]+\n(.*?)```/gs);
    const shown = [...blocks].map(([, code]) => code!).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(path)).toContain(shown[0]);
  });
});

/** Of a list, its blocks stand further to the right. */
const flush = (code: string) => code.replaceAll(/^ {3}/gm, '');

describe('the walk-through for another team’s service', () => {
  it.each([
    ['the rule', 'export const billingRules', 'billing.rules.ts'],
    ['the process', 'runService(', 'main.ts'],
    ['the test', 'behavesLikeARule(', 'billing.rules.spec.ts'],
  ])('shows %s as it is', async (_what, words, path) => {
    const blocks = (await read('../examples/billing/README.md')).matchAll(/```[a-z]+\n(.*?) *```/gs);
    const shown = [...blocks].map(([, code]) => flush(code!)).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(`../examples/billing/src/${path}`)).toContain(shown[0]);
  });

  it('takes less than 60 lines', async () => {
    expect((await read('../examples/billing/README.md')).split('\n').length).toBeLessThan(60);
  });
});
