import type { ActionChoice, ActionName } from '#libs/contracts';
import type { AnyEntity } from '#libs/database';
import type { RawBuilder } from 'kysely';
import type { Condition, Db, Rows } from './where.js';
import type { LeaverRow } from './leaver.js';

/** Values that are known only when the action runs. */
export const NOW = Symbol('now');
export const LEAVER = Symbol('leaver');
export const SUCCESSOR = Symbol('successor');
/** The moment at which the delayed part is due. */
export const DUE = Symbol('due');
/** The property of the rows that names the person. */
export const PERSON = Symbol('person');

/** SQL over the row (alias `t`) and the leaver (alias `l`: user_id, successor, due), where a value depends on the row. */
export type Computed = RawBuilder<unknown>;

export type Value =
  string | number | boolean | null | typeof NOW | typeof LEAVER | typeof SUCCESSOR | typeof DUE | Computed;

/** Whether the value is the same for every row, and known before the action runs. */
export const isFixed = (value: Value): boolean => value === null || !['symbol', 'object'].includes(typeof value);

/** New values by property; `PERSON` stands for the property that names the leaver. */
export interface Changes {
  readonly [property: string]: Value;
  readonly [PERSON]?: Value;
}

/** New values for the rows. */
export interface SetEffect {
  readonly kind: 'set';
  readonly changes: Changes;
  readonly sideEffects?: SideEffects;
  /** What a row has to be like, beside being still as it was left, to be given back to somebody who returns. */
  readonly returnsIf?: (now: Date) => Condition;
}

/** What is done to the rows, all at once. */
export type Effect =
  | { readonly kind: 'none' }
  | SetEffect
  | { readonly kind: 'delete'; readonly sideEffects?: SideEffects }
  | { readonly kind: 'insert'; readonly into: Marks };

/**
 * Rows of another entity, with `accountId`, that mark one of the rule's rows for one leaver, by the properties named
 * here. There is one at most for both. A mark holds as long as its person is away: a reactivation takes it back.
 */
export interface Marks {
  readonly entity: AnyEntity;
  /** The property that names the row. */
  readonly row: string;
  /** The property that names the leaver. */
  readonly person: string;
}

/**
 * What has to change in other tables together with the rows, in the same transaction.
 * @param rowIds the rows about to change
 * @param leavers whose departure changes which row, and who takes it over where somebody does
 */
export type SideEffects = (db: Db, rowIds: readonly string[], leavers: ReadonlyMap<string, LeaverRow>) => Promise<void>;

/**
 * What becomes of it when the leaver returns: it is given back when somebody asks for that, it is over by itself, or it
 * stays for good.
 */
export type Undo = 'on-request' | 'by-itself' | 'never';

/** A way of dealing with rows. The name is what policies and receipts say; the effect is the rule's own. */
export interface Action {
  readonly name: ActionName;
  readonly effect: Effect;
  /** What follows when the days are over, and on which rows. */
  readonly later?: { readonly rows?: Rows; readonly effect: Effect };
  readonly days?: number;
  /** Which rows it deals with, where not all that the rule speaks of. */
  readonly rows?: Rows;
  readonly scope?: ActionChoice['scope'];
  /** Whether somebody takes over. */
  readonly needsSuccessor: boolean;
  readonly undo: Undo;
}

const none: Effect = { kind: 'none' };
const UNDO: Record<Effect['kind'], Undo> = {
  none: 'by-itself',
  set: 'on-request',
  delete: 'never',
  insert: 'by-itself',
};
const simple = (
  name: ActionName,
  effect: Effect,
  { needsSuccessor = false, undo = UNDO[effect.kind] }: { needsSuccessor?: boolean; undo?: Undo } = {},
): Action => Object.freeze({ name, effect, needsSuccessor, undo });

/** The rows stay as they are. */
export const keep = simple('keep', none);
/** Stands in the way of the transition as long as there are rows. */
export const block = simple('block', none);
/** Nobody's any more. */
export const unassign = simple('unassign', { kind: 'set', changes: { [PERSON]: null } });
/** The named successor's, or else the first admin's. */
export const transfer = simple('transfer', { kind: 'set', changes: { [PERSON]: SUCCESSOR } }, { needsSuccessor: true });
/** The same, with further values and side effects on other tables. */
export const transferWith = (changes: Changes, sideEffects?: SideEffects): Action =>
  simple(
    'transfer',
    { kind: 'set', changes: { [PERSON]: SUCCESSOR, ...changes }, sideEffects },
    { needsSuccessor: true },
  );
/** The leaver's place is taken by the first admin, or a named successor. */
export const replace = simple('replace', { kind: 'set', changes: { [PERSON]: SUCCESSOR } }, { needsSuccessor: true });
/** The rows are gone. */
export const remove = simple('remove', { kind: 'delete' });

/** An action that gives the rows new values. It is done when the rows have them. */
export const setting =
  (name: ActionName, undo: Undo = 'on-request') =>
  (changes: Changes, more: Pick<SetEffect, 'sideEffects' | 'returnsIf'> = {}): Action =>
    simple(name, { kind: 'set', changes, ...more }, { undo });

export const disable = setting('disable');
export const hold = setting('hold');
export const cancel = setting('cancel');
export const expire = setting('expire');
export const withdraw = setting('withdraw');
export const end = setting('end');
/** A reactivation takes a seat again. */
export const free = setting('free', 'by-itself');
// What they take is gone: nobody can give it back.
export const stop = setting('stop', 'never');
export const uninstall = setting('uninstall', 'never');
export const revoke = setting('revoke', 'never');
export const redact = setting('redact', 'never');

/** The rows go on for everybody but the leaver, whom a mark beside each of them excludes. */
export const exclude = (into: Marks): Action => simple('exclude', { kind: 'insert', into });

/** `delete` is a reserved word. */
export const deleteRows = simple('delete', { kind: 'delete' });

/** The rows are deleted together with what hangs on them elsewhere. */
export const deleteWith = (sideEffects: SideEffects): Action => simple('delete', { kind: 'delete', sideEffects });

/** The rows stay for some days and are deleted then; a reactivation before that calls it off. */
export const deleteAfter = (days: number): Action => ({
  ...simple('delete-after', none),
  days,
  later: { effect: { kind: 'delete' } },
});

/** Something happens at once, and the rest when the days are over; a reactivation before that calls the rest off. */
export const releaseAfter = (days: number, parts: { now: Changes; then: Rows; thenSet: Changes }): Action => ({
  ...simple('release-after', { kind: 'set', changes: parts.now }),
  days,
  later: { rows: parts.then, effect: { kind: 'set', changes: parts.thenSet } },
});

/** The action deals with these rows and leaves the rule's others alone. */
export const only = (rows: Rows, action: Action): Action => Object.freeze({ ...action, rows });

/** One of several ways of the same action, among which a policy chooses by `scope`. The first of them is the default. */
export const scoped = (scope: NonNullable<ActionChoice['scope']>, action: Action): Action =>
  Object.freeze({ ...action, scope });

/** Whether the rows no longer name the leaver once the effect has happened. */
export const removesRows = (effect: Effect): boolean =>
  effect.kind === 'delete' || (effect.kind === 'set' && PERSON in effect.changes);

/** The action as a policy or an event names it. */
export const choiceOf = ({ name, days, scope }: Action): ActionChoice => ({
  action: name,
  ...(days !== undefined && { days }),
  ...(scope && { scope }),
});
