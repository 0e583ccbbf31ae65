import type { ActionName, PlanChange, PlannedAction, PreviewRule } from '#libs/contracts';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ChoiceKeys } from './choices.js';

/** A line of a preview, as its token keeps it. */
export interface ShownLine extends Pick<PlanChange, 'rule' | 'part' | 'transition'> {
  planned: PlannedAction;
  destroys: boolean;
}

/** What a preview has shown. */
export interface ShownPlan {
  choices: ChoiceKeys;
  lines: ShownLine[];
}

type Packed = (string | number | null)[];

/** Compresses the plan: it names every rule, and the token has to fit into a request. */
export function pack({ choices, lines }: ShownPlan): string {
  const packed = lines.map(({ rule, part, transition, planned, destroys }): Packed => {
    const { action, days, scope, count, successorId, successorTeamId } = planned;
    const facts = [
      rule,
      part ?? null,
      transition,
      action,
      days ?? null,
      scope ?? null,
      count,
      successorId ?? null,
      +destroys,
    ];
    return successorTeamId === undefined ? facts : [...facts, successorTeamId];
  });
  return deflateRawSync(JSON.stringify([choices, packed])).toString('base64url');
}

export function unpack(text: string): ShownPlan {
  const [choices, packed] = JSON.parse(inflateRawSync(Buffer.from(text, 'base64url')).toString()) as [
    ChoiceKeys,
    Packed[],
  ];
  const lines = packed.map(
    ([rule, part, transition, action, days, scope, count, successorId, destroys, successorTeamId]) => ({
      rule: rule as string,
      ...(part !== null && { part: part as string }),
      transition: transition as ShownLine['transition'],
      planned: {
        action: action as ActionName,
        ...(days !== null && { days: days as number }),
        ...(scope !== null && { scope: scope as PlannedAction['scope'] }),
        count: count as number,
        ...(successorId !== null && { successorId: successorId as string }),
        ...(successorTeamId !== undefined && { successorTeamId: successorTeamId as string }),
      },
      destroys: destroys === 1,
    }),
  );
  return { choices, lines };
}

export const shownLines = (rules: readonly PreviewRule[]): ShownLine[] =>
  rules.map(({ rule, part, transition, action, days, scope, count, successorId, successorTeamId, destroys }) => ({
    rule,
    ...(part !== undefined && { part }),
    transition,
    planned: {
      action,
      ...(days !== undefined && { days }),
      ...(scope !== undefined && { scope }),
      count,
      ...(successorId !== undefined && { successorId }),
      ...(successorTeamId !== undefined && { successorTeamId }),
    },
    destroys,
  }));

/** The lines that differ between what was shown and what is planned now, in the order of the plan. */
export function changesBetween(shown: readonly ShownLine[], now: readonly ShownLine[]): PlanChange[] {
  const before = new Map(shown.map((line) => [keyOf(line), line]));
  const after = new Map(now.map((line) => [keyOf(line), line]));
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((key): PlanChange[] => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was && is && isSame(was.planned, is.planned)) return [];
    const { rule, part, transition } = (is ?? was)!;
    const line = { rule, ...(part !== undefined && { part }), transition };
    return [{ ...line, before: was?.planned ?? null, after: is?.planned ?? null }];
  });
}

/** The trail grows with every entry about the user, also by the request itself, so its count says nothing about the plan. */
const GROWS_BY_ITSELF = 'identity.audit';

/** Whether the same rows are destroyed in both. */
export function destroysTheSame(shown: readonly ShownLine[], now: readonly ShownLine[]): boolean {
  const destroyed = (lines: readonly ShownLine[]) =>
    lines
      .filter(({ rule, destroys, planned }) => destroys && planned.count > 0 && rule !== GROWS_BY_ITSELF)
      .map((line) => `${keyOf(line)} ${line.planned.action} ${line.planned.count}`)
      .sort()
      .join();
  return destroyed(shown) === destroyed(now);
}

const keyOf = ({ rule, part, transition }: ShownLine): string => `${rule} ${part ?? ''} ${transition}`;

const isSame = (one: PlannedAction, other: PlannedAction): boolean =>
  one.action === other.action &&
  one.days === other.days &&
  one.scope === other.scope &&
  one.count === other.count &&
  one.successorId === other.successorId &&
  one.successorTeamId === other.successorTeamId;
