import type { ActionName, AppliedTransition, Preset, Transition } from '#libs/contracts';
import { keep, sideEffectsOf, type Action } from './actions.js';
import type { Db, Rows } from './where.js';

/** The actions of a rule on one transition; the first is the default. */
export interface Choice {
  actions: readonly Action[];
  fixed: boolean;
}

/** Accounts can choose among these actions; the first one is the default. */
export const can = (...actions: [Action, ...Action[]]): Choice => ({ actions, fixed: false });

/** Accounts cannot choose another action. */
export const always = (action: Action): Choice => ({ actions: [action], fixed: true });

/** What an explanation can use. */
export interface Explain {
  db: Db;
  accountId: string;
  userId: string;
  transition: AppliedTransition;
  action: ActionName;
  count: number;
  /** The kind of rows, for a rule over several. */
  part?: string;
}

export interface RuleSpec {
  /** Several for a rule over several kinds of rows; each then names its `part`. */
  rows: Rows | readonly Rows[];
  /** Another person takes the user over: what is the former person's own ends. It is fixed and has no undo. */
  transferred?: Choice;
  deactivated?: Choice;
  deleted?: Choice;
  /** Where a preset differs from the default. */
  presets?: Partial<Record<Preset, Partial<Record<Transition, Action>>>>;
  /** A text for the preview beside the count, or undefined. `warning` shows it as a warning. */
  explain?: (about: Explain) => Promise<string | undefined> | string | undefined;
  warning?: boolean;
  /** Whether the preview lists the ids of the rows. It always does for a `block` action. */
  listed?: boolean;
}

/** What happens to one kind of a leaver's rows. */
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
 * Declares a rule. The engine derives the preview's count, the change, the receipt, the proof and the catalogue entry from it.
 * @param id durable name, `<service>.<rule>`
 * @param label the name shown to people
 * @throws TypeError if the declaration contradicts itself
 */
export function rule(id: string, label: string, spec: RuleSpec): Rule {
  const rows: readonly Rows[] = [spec.rows].flat();
  const choices = {
    ...(spec.transferred && { transferred: spec.transferred }),
    ...(spec.deactivated && { deactivated: spec.deactivated }),
    ...(spec.deleted && { deleted: spec.deleted }),
  };
  const declared = Object.values(choices);
  if (declared.length === 0) throw new TypeError(`${id}: a rule needs at least one transition`);
  if (rows.length > 1 && rows.some((r) => !r.part))
    throw new TypeError(`${id}: each of several kinds of rows needs a part`);
  assertRemoteEffects(id, rows, declared);
  assertEnds(id, spec.transferred);
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

/** The user stays, and so do other people's rows: a take-over only ends things, at once and in this service. */
function assertEnds(id: string, { actions, fixed }: Choice = always(keep)): void {
  if (!fixed) throw new TypeError(`${id}: accounts cannot choose what a take-over does`);
  const unfit = actions.find((action) => action.needsSuccessor || action.later || sideEffectsOf(action.effect)?.remote);
  if (unfit) throw new TypeError(`${id}: a take-over cannot ${unfit.name}`);
}

/** The receipt line of a remote effect is named by rule, part and transition, and what it does cannot be delayed. */
function assertRemoteEffects(id: string, rows: readonly Rows[], choices: readonly Choice[]): void {
  const actions = choices.flatMap((choice) => choice.actions);
  if (actions.some(({ later }) => later && sideEffectsOf(later.effect)?.remote))
    throw new TypeError(`${id}: a delayed effect cannot have a remote effect`);
  for (const action of actions) {
    const remote = sideEffectsOf(action.effect)?.remote;
    if (!remote) continue;
    if (action.destroys) throw new TypeError(`${id}: ${action.name} destroys, so it cannot have a remote effect`);
    if (rows.length > 1 || rows[0]!.part === remote.part)
      throw new TypeError(`${id}: ${remote.part} has to be the only part beside the rule's own rows`);
  }
}
