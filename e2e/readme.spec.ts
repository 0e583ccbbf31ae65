import { readFile } from 'node:fs/promises';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

/** The code blocks of the README are copies of code that runs. */
describe('the README', () => {
  it.each([
    ['a rule', 'const sharedDashboards', '../services/insights/src/departures/insights.rules.ts'],
    ['the test of a rule', 'behavesLikeARule(', '../services/insights/src/departures/insights.rules.spec.ts'],
    ['a subscriber', 'new URL(process.env.NATS_URL ??', '../examples/subscriber/subscriber.mjs'],
  ])('shows %s unchanged', async (_what, words, path) => {
    const blocks = (await read('../README.md')).matchAll(/```[a-z]+\n(.*?)```/gs);
    const shown = [...blocks].map(([, code]) => code!).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(path)).toContain(shown[0]);
  });
});

/** Code blocks in a list are indented. */
const unindented = (code: string) => code.replaceAll(/^ {3}/gm, '');

describe('the guide for an external service', () => {
  it.each([
    ['the rule', 'export const billingRules', 'billing.rules.ts'],
    ['the process', 'runService(', 'main.ts'],
    ['the test', 'behavesLikeARule(', 'billing.rules.spec.ts'],
  ])('shows %s unchanged', async (_what, words, path) => {
    const blocks = (await read('../examples/billing/README.md')).matchAll(/```[a-z]+\n(.*?) *```/gs);
    const shown = [...blocks].map(([, code]) => unindented(code!)).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(`../examples/billing/src/${path}`)).toContain(shown[0]);
  });

  it('has less than 60 lines', async () => {
    expect((await read('../examples/billing/README.md')).split('\n').length).toBeLessThan(60);
  });
});
