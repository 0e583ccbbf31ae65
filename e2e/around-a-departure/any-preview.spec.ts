import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  PRESETS,
  type ChoicesPreview,
  type NamedSuccessors,
  type PreviewRule,
  type Receivers,
  type SuccessorChoice,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { Routes } from '../security/routes.js';
import type { Json } from '../support/api.js';
import { anAccount, contactsCsv, signIn, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { everythingOf } from '../support/everything.js';
import { System } from '../support/system.js';

/** `npm run test:faults` does 300. */
const RUNS = Number(process.env.PREVIEW_RUNS ?? 2);
const SEED = process.env.PREVIEW_SEED;

let system: System;
let routes: Routes;
beforeAll(async () => {
  system = await System.start();
  routes = await Routes.of(system.url);
}, 60_000);
afterAll(() => system?.stop());

/** A choice about a rule; the numbers select the rule, the action and the successor among those that there are. */
const aChoice = fc.record({
  where: fc.constantFrom('policy', 'override', 'successor', 'default'),
  rule: fc.nat(1_000),
  action: fc.nat(1_000),
  successor: fc.nat(1_000),
});
type Choice = typeof aChoice extends fc.Arbitrary<infer C> ? C : never;
const choices = fc.array(aChoice, { maxLength: 14 });
const story = fc.record({
  preset: fc.constantFrom(...PRESETS),
  deactivated: choices,
  /** What the return restores; undefined if the user does not return. */
  restore: fc.option(fc.oneof(fc.constantFrom('none', 'all'), fc.array(fc.nat(1_000), { maxLength: 8 })), {
    nil: undefined,
  }),
  deleted: choices,
});

let accounts = 0;

/** An account in which Ada has something of everything. */
async function aFullAccount(preset: string): Promise<Cast> {
  const cast = await anAccount(system, preset);
  const n = ++accounts;
  const own = `+1415${String(6_000_000 + 2 * n)}`;
  const numbers = [own, `+1415${String(6_000_001 + 2 * n)}`] as const;
  await cast.owner.api.patch(`/v1/users/${cast.ada.id}`, { managerId: cast.ben.id });
  await cast.owner.api.upload('/v1/contact-imports', contactsCsv([cast.ada, cast.cleo], 6));
  await everythingOf(cast, { ...cast.ada, given: 'Ada', family: `No${n}`, numbers }, system.clock.millis(), routes);
  return cast;
}

const ofOne = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

interface Request {
  overrides: Record<string, string>;
  successors: NamedSuccessors;
}

/** Successors of every kind. */
const successorsIn = ({ owner, ben, cleo, dan, teamId }: Cast): SuccessorChoice[] => [
  ...[owner.id, ben.id, { userId: cleo.id }, { userId: dan.id }, { manager: true as const }],
  ...[
    { teamId, by: 'round-robin' as const },
    { teamId, by: 'fewest-open' as const },
  ],
];

/** Changes the policy and returns the request, as far as the rules allow the choices. */
async function requested(cast: Cast, transition: string, chosen: readonly Choice[]) {
  const { owner, ada } = cast;
  const previewed = `/v1/users/${ada.id}/departure-preview?transition=${transition}`;
  const { items } = await owner.api.get<{ items: { id: string; fixed: boolean }[] }>('/v1/rules');
  const fixed = new Set(items.filter((rule) => rule.fixed).map(({ id }) => id));
  const rules = (await owner.api.get<{ rules: PreviewRule[] }>(previewed)).rules.filter(
    (rule) => !fixed.has(rule.rule),
  );
  const request: Request = { overrides: {}, successors: {} };
  const policy: Record<string, Record<string, string>> = {};
  for (const { where, ...numbers } of chosen) {
    const rule = ofOne(rules, numbers.rule);
    const action = rule && ofOne(rule.allowed, numbers.action);
    const successor = ofOne(successorsIn(cast), numbers.successor)!;
    if (!rule || !action) continue;
    if (where === 'policy') policy[rule.rule] = { ...policy[rule.rule], [rule.transition]: action };
    else if (where === 'override') request.overrides[rule.rule] = action;
    else if (where === 'default') request.successors.default = successor;
    else if (rule.allowed.some((one) => one === 'transfer' || one === 'replace'))
      request.successors[rule.rule] = successor;
  }
  await owner.api.put('/v1/policy', { overrides: policy });
  return request;
}

/** Rows by transition, rule and part, with who got them and what did not come back. */
const shown = (
  lines: readonly {
    transition: string;
    rule: string;
    part?: string;
    rows: number;
    missing?: number;
    to?: string;
  }[],
) =>
  Object.fromEntries(
    lines.map(({ transition, rule, part, rows, missing, to }) => [
      [transition, rule, part].filter(Boolean).join(' '),
      { rows, ...(missing && { missing }), ...(to && rows > 0 && { to }) },
    ]),
  );

/** Who has got the rows, as a preview says it: the members of a team together. */
function receiverOf({ ben, cleo, dan, teamId }: Cast, given: Receivers | undefined, ofTeam: boolean) {
  if (!Array.isArray(given)) return given;
  const receivers = given.map(({ userId }) => userId);
  if (ofTeam) expect([ben.id, cleo.id, dan.id]).toEqual(expect.arrayContaining(receivers));
  else expect(receivers.length).toBeLessThanOrEqual(1);
  return ofTeam ? teamId : receivers[0];
}

const sumOf = (given: Receivers | undefined) =>
  Array.isArray(given) ? given.reduce((sum, { affected }) => sum + affected, 0) : undefined;

/** Previews the request, makes it and compares the receipts. A request that is not possible has to be refused. */
async function asPreviewed(cast: Cast, transition: string, verb: string, request: object): Promise<boolean> {
  const { owner, ada } = cast;
  const path = `/v1/users/${ada.id}`;
  const preview = await owner.api.post<ChoicesPreview>(`${path}/departure-preview`, { transition, ...request });
  const decision = owner.api.post<Departure>(`${path}/${verb}`, { ...request, planToken: preview.planToken });
  if (!preview.possible) {
    expect(await owner.api.refusal(decision)).toMatchObject({ code: preview.blockers[0]!.code });
    return false;
  }
  const departure = await over(owner.api, await decision, 60_000);
  expect(departure.status).toBe('completed');
  const keyOf = (line: { transition: string; rule: string; part?: string }) =>
    [line.transition, line.rule, line.part].join(' ');
  const teams = new Set(preview.rules.filter((line) => line.successorTeamId).map(keyOf));
  const done = linesOf(departure).map((line) => {
    const { notRestored: missing, transferredTo } = line as { notRestored?: number; transferredTo?: Receivers };
    const received = sumOf(transferredTo);
    if (received !== undefined) expect([keyOf(line), received]).toEqual([keyOf(line), line.affected]);
    return { ...line, rows: line.affected, missing, to: receiverOf(cast, transferredTo, teams.has(keyOf(line))) };
  });
  const planned = preview.rules.map((line) => ({
    ...{ ...line, missing: line.notRestored, rows: line.count, to: line.successorTeamId ?? line.successorId },
  }));
  expect(shown(done)).toEqual(shown(planned));
  return true;
}

/** The pages of the rows behind each count of the policy's preview have as many rows. */
async function rowsAsCounted({ owner, ada }: Cast, transition: string): Promise<void> {
  const path = `/v1/users/${ada.id}/departure-preview`;
  const { rules } = await owner.api.get<{ rules: PreviewRule[] }>(`${path}?transition=${transition}`);
  for (const { rule, part, count, transition: lineTransition } of rules) {
    const query = new URLSearchParams({ rule, ...(part && { part }), transition, lineTransition });
    const ids = (await owner.api.all(`${path}/rows?${query}`)).map(({ id }) => id);
    expect([query.toString(), new Set(ids).size, ids.length]).toEqual([query.toString(), count, count]);
  }
}

/** A worker schedules the held messages of a user who has returned: a write that would come between preview and decision. */
async function messagesAreScheduledAgain({ ada }: Cast): Promise<void> {
  const api = await signIn(system, ada.email);
  await eventually(async () => {
    const messages = await api.all('/v1/scheduled-messages');
    expect(messages.filter(({ status }) => status === 'held')).toEqual([]);
  });
}

it(
  'what is previewed is what happens, whatever the policy and the request choose',
  async () => {
    const holds = fc.asyncProperty(story, async ({ preset, deactivated, restore, deleted }) => {
      const cast = await aFullAccount(preset);
      const leaving = await requested(cast, 'deactivated', deactivated);
      await rowsAsCounted(cast, 'deactivated');
      await rowsAsCounted(cast, 'deleted');
      const left = await asPreviewed(cast, 'deactivated', 'deactivate', leaving);
      if (left && restore !== undefined) {
        const { items } = await cast.owner.api.get<{ items: Json[] }>('/v1/rules');
        const rules = typeof restore === 'string' ? restore : restore.map((n) => ofOne(items, n)!.id);
        await asPreviewed(cast, 'reactivated', 'reactivate', { restore: rules });
        await messagesAreScheduledAgain(cast);
      }
      await asPreviewed(cast, 'deleted', 'delete', await requested(cast, 'deleted', deleted));
    });
    await fc.assert(holds, { numRuns: RUNS, endOnFailure: true, ...(SEED && { seed: Number(SEED) }) });
  },
  60_000 + RUNS * 30_000,
);
