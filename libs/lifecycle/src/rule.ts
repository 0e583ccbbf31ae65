import type { InferEntity } from '@mikro-orm/postgresql';
import type { AnyEntity } from '#libs/database';
import type { ActionName, Preset, Transition } from '#libs/contracts';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Action } from './actions.js';

/** Access to the service's database, inside the running transaction. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Db = Kysely<any>;

type Scalar = string | number | boolean;

/** What a row must be like: equal to a value, one of several, or null. */
export type Where<E> = { readonly [K in keyof E]?: Scalar | readonly Scalar[] | null };

/** A condition of its own, over the row (alias `t`) and the leaver (alias `l`: user_id, account_id, was_manager, left_at). */
export type Condition = RawBuilder<unknown>;

/** Which rows a rule speaks of, and how they belong to the person. */
export interface Rows {
  entity: AnyEntity;
  /** The property that names the person; null when the rows belong to the account and only `match` ties them to the leaver. */
  person: string | null;
  where: Readonly<Record<string, Scalar | readonly Scalar[] | null>>;
  match?: Condition;
  /** The kind of rows, where a rule has several: one receipt line each. */
  part?: string;
  /** The only transition on which the rule speaks of these rows; every one of the rule's unless given. */
  on?: Transition;
}

/** Rows whose property `person` names the leaver. */
export function owned<E extends AnyEntity>(
  entity: E,
  person: keyof InferEntity<E> & string,
  where: Where<InferEntity<E>> = {},
  more: Pick<Rows, 'part' | 'match' | 'on'> = {},
): Rows {
  return { entity, person, where: where as Rows['where'], ...more };
}

/** Rows of the leaver's account that `match` ties to the leaver in some other way than by a column. */
export function ofAccount<E extends AnyEntity>(entity: E, where: Where<InferEntity<E>>, match: Condition): Rows {
  return { entity, person: null, where: where as Rows['where'], match: sql`t.account_id = l.account_id and ${match}` };
}

/** What a rule may do on one transition; the first is the default. */
export interface Choice {
  actions: readonly Action[];
  fixed: boolean;
}

/** An account may choose among these; the first one is the default. */
export const can = (...actions: [Action, ...Action[]]): Choice => ({ actions, fixed: false });

/** No account may choose otherwise. */
export const always = (action: Action): Choice => ({ actions: [action], fixed: true });

/** One person about to leave, as an explanation may ask for. */
export interface Explain {
  db: Db;
  accountId: string;
  userId: string;
  action: ActionName;
  count: number;
}

export interface RuleSpec {
  /** Several for a rule over several kinds of rows; each then names its `part`. */
  rows: Rows | readonly Rows[];
  deactivated?: Choice;
  deleted?: Choice;
  /** Where a preset differs from the default. */
  presets?: Partial<Record<Preset, Partial<Record<Transition, Action>>>>;
  /** What the preview says beside the count; undefined says nothing. `warning` for what nobody should overlook. */
  explain?: (about: Explain) => Promise<string | undefined> | string | undefined;
  warning?: boolean;
  /** Ids of the rows in the preview when the action blocks. */
  listed?: boolean;
}

/** One sentence of the policy: what happens to which of a leaver's rows. */
export interface Rule {
  readonly id: string;
  readonly label: string;
  readonly rows: readonly Rows[];
  readonly choices: Partial<Record<Transition, Choice>>;
  readonly presets: NonNullable<RuleSpec['presets']>;
  readonly fixed: boolean;
  readonly explain?: RuleSpec['explain'];
  readonly warning: boolean;
  readonly listed: boolean;
}

/**
 * Declares a rule. From the declaration come the preview's count, the change, the receipt, the proof and the catalogue
 * entry.
 * @param id durable name, `<service>.<rule>`
 * @param label how the rule is called before a person
 * @throws TypeError when the declaration contradicts itself
 */
export function rule(id: string, label: string, spec: RuleSpec): Rule {
  const rows = [spec.rows].flat() as Rows[];
  const choices = {
    ...(spec.deactivated && { deactivated: spec.deactivated }),
    ...(spec.deleted && { deleted: spec.deleted }),
  };
  const declared = Object.values(choices);
  if (declared.length === 0) throw new TypeError(`${id}: a rule speaks of at least one transition`);
  if (rows.length > 1 && rows.some((r) => !r.part))
    throw new TypeError(`${id}: each of several kinds of rows needs a part`);
  for (const [preset, changes] of Object.entries(spec.presets ?? {})) {
    for (const [transition, action] of Object.entries(changes)) {
      if (!choices[transition as Transition]?.actions.some((a) => a.name === action.name)) {
        throw new TypeError(
          `${id}: preset ${preset} wants ${action.name} on ${transition}, which the rule does not offer`,
        );
      }
    }
  }
  return Object.freeze({
    id,
    label,
    rows,
    choices,
    presets: spec.presets ?? {},
    fixed: declared.every((choice) => choice.fixed),
    explain: spec.explain,
    warning: spec.warning ?? false,
    listed: spec.listed ?? false,
  });
}
