import type { ActionChoice, ActionName } from '#libs/contracts';
import type { AnyEntity } from '#libs/database';
import type { RawBuilder } from 'kysely';
import type { Condition, Rows } from './where.js';
import type { SideEffects } from './side-effects.js';

/** Values that are known only when the action runs. */
export const NOW = Symbol('now');
export const LEAVER = Symbol('leaver');
export const SUCCESSOR = Symbol('successor');
/** The moment at which the delayed part is due. */
export const DUE = Symbol('due');
/** The property of the rows that names the leaver. */
export const PERSON = Symbol('person');

/** A value that depends on the row: SQL over the row (alias `t`) and the leaver (alias `l`: user_id, successor, due). */
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
  /** An extra condition for restoring a row at a reactivation, beside the row being unchanged since the effect. */
  readonly returnsIf?: (now: Date) => Condition;
}

/** The change that an action makes to its rows. */
export type Effect =
  | { readonly kind: 'none' }
  | SetEffect
  | { readonly kind: 'delete'; readonly sideEffects?: SideEffects }
  | { readonly kind: 'insert'; readonly into: Marks };

/**
 * Rows of another entity that exclude a leaver from one of the rule's rows. The entity has an `accountId` and at most one
 * row per pair of row and leaver. A reactivation removes the leaver's marks.
 */
export interface Marks {
  readonly entity: AnyEntity;
  /** The property that names the row. */
  readonly row: string;
  /** The property that names the leaver. */
  readonly person: string;
}

/**
 * What a reactivation does to the action's effect: it restores the rows if the request asks for it, ends the effect
 * without a request, or leaves it.
 */
export type Undo = 'on-request' | 'by-itself' | 'never';

/** What a rule can do with its rows. Policies and receipts use the name; each rule defines the effect. */
export interface Action {
  readonly name: ActionName;
  readonly effect: Effect;
  /** The delayed effect, and its rows if they differ from the rule's. */
  readonly later?: { readonly rows?: Rows; readonly effect: Effect };
  readonly days?: number;
  /** The rows that the action changes, if they differ from the rule's. */
  readonly rows?: Rows;
  readonly scope?: ActionChoice['scope'];
  readonly needsSuccessor: boolean;
  readonly undo: Undo;
  /** Whether the effect is final: what it takes cannot be created again. A legal hold delays such an action. */
  readonly destroys: boolean;
}

const none: Effect = { kind: 'none' };
const UNDO: Record<Effect['kind'], Undo> = {
  none: 'by-itself',
  set: 'on-request',
  delete: 'never',
  insert: 'by-itself',
};
type Traits = Partial<Pick<Action, 'needsSuccessor' | 'undo' | 'destroys'>>;
const simple = (
  name: ActionName,
  effect: Effect,
  { needsSuccessor = false, undo = UNDO[effect.kind], destroys = false }: Traits = {},
): Action => Object.freeze({ name, effect, needsSuccessor, undo, destroys });

/** The rows stay as they are. */
export const keep = simple('keep', none);
/** Refuses the transition while there are rows. */
export const block = simple('block', none);
/** Sets the person to null. */
export const unassign = simple('unassign', { kind: 'set', changes: { [PERSON]: null } });
/** The rows go to the named successor, or else to the first admin. */
export const transfer = simple('transfer', { kind: 'set', changes: { [PERSON]: SUCCESSOR } }, { needsSuccessor: true });
/** Like `transfer`, with further values and side effects. */
export const transferWith = (changes: Changes, sideEffects?: SideEffects): Action =>
  simple(
    'transfer',
    { kind: 'set', changes: { [PERSON]: SUCCESSOR, ...changes }, sideEffects },
    { needsSuccessor: true },
  );
/** The named successor, or else the first admin, takes the leaver's place. */
export const replace = simple('replace', { kind: 'set', changes: { [PERSON]: SUCCESSOR } }, { needsSuccessor: true });
/** Deletes rows that only connect the leaver with something that stays, such as a membership. Compare `deleteRows`. */
export const remove = simple('remove', { kind: 'delete' });

/** An action that sets values. A row is done when it has them. */
export const setting =
  (name: ActionName, { undo = 'on-request', destroys }: Pick<Traits, 'undo' | 'destroys'> = {}) =>
  (changes: Changes, more: Pick<SetEffect, 'sideEffects' | 'returnsIf'> = {}): Action =>
    simple(name, { kind: 'set', changes, ...more }, { undo, destroys });

export const disable = setting('disable');
export const hold = setting('hold');
export const cancel = setting('cancel');
export const expire = setting('expire');
export const withdraw = setting('withdraw');
export const end = setting('end');
/** A reactivation takes a seat again. */
export const free = setting('free', { undo: 'by-itself' });
// These cannot be undone. What `stop` and `revoke` take can be created again: a session, a grant, a token.
export const stop = setting('stop', { undo: 'never' });
export const revoke = setting('revoke', { undo: 'never' });
export const uninstall = setting('uninstall', { undo: 'never', destroys: true });
export const redact = setting('redact', { undo: 'never', destroys: true });

/** Adds a mark to each row that excludes the leaver; other users are not affected. */
export const exclude = (into: Marks): Action => simple('exclude', { kind: 'insert', into });

/** Deletes things of the leaver, unlike `remove`. The action is called `delete`, a reserved word here. */
export const deleteRows = simple('delete', { kind: 'delete' }, { destroys: true });

/** Deletes the rows, with side effects. */
export const deleteWith = (sideEffects: SideEffects): Action =>
  simple('delete', { kind: 'delete', sideEffects }, { destroys: true });

/** Deletes the rows after some days; a reactivation before that cancels it. */
export const deleteAfter = (days: number): Action => ({
  ...simple('delete-after', none, { destroys: true }),
  days,
  later: { effect: { kind: 'delete' } },
});

/** Sets values immediately and others after some days; a reactivation before that cancels the second part. */
export const releaseAfter = (days: number, parts: { now: Changes; then: Rows; thenSet: Changes }): Action => ({
  ...simple('release-after', { kind: 'set', changes: parts.now }, { destroys: true }),
  days,
  later: { rows: parts.then, effect: { kind: 'set', changes: parts.thenSet } },
});

/** Restricts the action to these rows. */
export const only = (rows: Rows, action: Action): Action => Object.freeze({ ...action, rows });

/** A variant of an action; a policy chooses among the variants by `scope`. The first one is the default. */
export const scoped = (scope: NonNullable<ActionChoice['scope']>, action: Action): Action =>
  Object.freeze({ ...action, scope });

/** Whether the rows no longer name the leaver after the effect. */
export const removesRows = (effect: Effect): boolean =>
  effect.kind === 'delete' || (effect.kind === 'set' && PERSON in effect.changes);

export const sideEffectsOf = (effect: Effect): SideEffects | undefined =>
  effect.kind === 'set' || effect.kind === 'delete' ? effect.sideEffects : undefined;

/** Whether the action destroys something when it is applied, and not only after a delay. */
export const destroysAtOnce = ({ destroys, later }: Action): boolean => destroys && !later;

/** The action as a policy or an event names it. */
export const choiceOf = ({ name, days, scope }: Action): ActionChoice => ({
  action: name,
  ...(days !== undefined && { days }),
  ...(scope && { scope }),
});
