import type { ActionName, Preset, Transition } from '#libs/contracts';
import type { Action } from './actions.js';
import type { Db, Rows } from './where.js';

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
  const rows: readonly Rows[] = [spec.rows].flat();
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
