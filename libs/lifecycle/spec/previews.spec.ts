import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PreviewLine, PreviewsLine, ResolvedRules } from '#libs/contracts';
import { preview, previews } from '#libs/lifecycle';
import type { Person } from '#libs/lifecycle/testing';
import { AtTheDesk } from './at-the-desk.js';

const KINDS = ['chair', 'lamp', 'letter', 'key', 'badge', 'plant'] as const;

const choices = fc.record({
  chairs: fc.constantFrom('unassign', 'keep', 'transfer'),
  lamps: fc.constantFrom('delete', 'block'),
  keys: fc.constantFrom('keep', 'release-after'),
  transition: fc.constantFrom('deactivated', 'deleted'),
  people: fc.array(
    fc.record({ left: fc.boolean(), manager: fc.boolean(), counts: fc.array(fc.nat(3), { maxLength: 6 }) }),
    { minLength: 1, maxLength: 5 },
  ),
  only: fc.option(fc.constant<string[]>(['desk.lamps', 'desk.letters']), { nil: undefined }),
});

const policyOf = ({ chairs, lamps, keys }: Record<'chairs' | 'lamps' | 'keys', string>): ResolvedRules =>
  ({
    'desk.chairs': { deactivated: { action: chairs }, deleted: { action: 'unassign' } },
    'desk.lamps': { deactivated: { action: 'disable' }, deleted: { action: lamps } },
    'desk.letters': {
      deactivated: { action: 'delete-after', days: 30 },
      deleted: { action: 'delete-after', days: 30 },
    },
    'desk.keys': {
      deactivated: { action: 'keep' },
      deleted: keys === 'keep' ? { action: 'keep' } : { action: 'release-after', days: 7 },
    },
    'desk.badges': { deactivated: { action: 'disable' } },
    'desk.plants': { deactivated: { action: 'keep' }, deleted: { action: 'keep' } },
  }) as ResolvedRules;

/** The lines with rows, in a form that both questions can have. */
const shown = (lines: readonly PreviewLine[]) =>
  lines
    .filter(({ count }) => count > 0)
    .map(({ rule, part, transition, action, days, count, items }) =>
      JSON.stringify([
        rule,
        part,
        transition,
        action,
        days,
        count,
        action === 'block' ? items?.slice(0, 5) : undefined,
      ]),
    )
    .sort();

const linesOf = (answer: readonly PreviewsLine[], person: number): PreviewLine[] =>
  answer.flatMap(({ counts, items, ...line }) =>
    counts
      .filter(([position]) => position === person)
      .map(([, count]) => ({ ...line, count, items: items?.find(([position]) => position === person)?.[1] })),
  );

const deactivation = ({ bench }: AtTheDesk, person: Person, rules: ResolvedRules) =>
  bench.event('user.deactivated', person, {
    departure: { steps: ['deactivated'], policy: { preset: 'crm', version: 1, rules } },
  });

describe('a preview of many people', () => {
  const at = AtTheDesk.open();

  it('has the counts of the preview of each user, also with different rows and after earlier departures', async () => {
    const holds = fc.asyncProperty(choices, async ({ people, transition, only, ...actions }) => {
      const rules = policyOf(actions);
      const accountId = at.bench.ids.next();
      const some: { person: Person; manager: boolean }[] = [];
      for (const { left, manager, counts } of people) {
        const person = await at.bench.person({ accountId });
        for (const [n, count] of counts.entries()) await at.things(KINDS[n]!, person, count);
        if (left) await at.deliver([deactivation(at, person, rules)]);
        // Rows that have come since, which the rules of the deactivation leave to the next decision.
        if (left) await at.things('chair', person);
        some.push({ person, manager });
      }
      const shared = {
        accountId,
        steps: transition === 'deleted' ? (['deactivated', 'deleted'] as const) : (['deactivated'] as const),
        rules,
        only,
      };
      const db = at.bench.em().getKysely();
      const now = at.bench.clock.now();
      const asked = some.map(({ person, manager }) => ({ userId: person.userId, activeSince: 1, wasManager: manager }));
      const together = await previews(db, at.bench.rules, { ...shared, steps: [...shared.steps], people: asked }, now);
      for (const [position, one] of asked.entries()) {
        const alone = await preview(db, at.bench.rules, { ...shared, steps: [...shared.steps], ...one }, now);
        expect(shown(linesOf(together, position))).toEqual(shown(alone));
      }
    });
    await fc.assert(holds, { numRuns: 15, endOnFailure: true });
  });
});
