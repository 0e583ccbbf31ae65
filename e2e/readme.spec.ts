import { readFile } from 'node:fs/promises';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

/** What the README shows is what runs: each of its blocks of code stands in the file that it names. */
describe('the README', () => {
  it.each([
    ['a rule', 'const sharedDashboards', '../services/insights/src/departures/insights.rules.ts'],
    ['the test of a rule', 'behavesLikeARule(', '../services/insights/src/departures/insights.rules.spec.ts'],
    ['a subscriber', 'new URL(process.env.NATS_URL)', 'subscriber.mjs'],
  ])('shows %s as it is', async (_what, words, path) => {
    const blocks = (await read('../README.md')).matchAll(/```[a-z]+\n(.*?)```/gs);
    const shown = [...blocks].map(([, code]) => code!).filter((code) => code.includes(words));
    expect(shown).toHaveLength(1);
    expect(await read(path)).toContain(shown[0]);
  });
});
