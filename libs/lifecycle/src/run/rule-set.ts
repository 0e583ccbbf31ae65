import { PermanentError } from '#libs/jobs';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  APPLIED_TRANSITIONS,
  type ActionName,
  type AppliedTransition,
  type ReceiptLine,
  type ResolvedAction,
  type ResolvedRules,
  type RuleDescription,
  type Transition,
} from '#libs/contracts';
import {
  choiceOf,
  destroysAtOnce,
  isFixed,
  removesRows,
  sideEffectsOf,
  type Action,
  type Effect,
} from '../declare/actions.js';
import type { RemoteEffect } from '../declare/side-effects.js';
import { MarkStatements } from '../sql/mark-statements.js';
import { actionsOn, declaredOn, describedHandOver } from '../declare/hand-over.js';
import type { Rule } from '../declare/rule.js';
import type { Db, Rows } from '../declare/where.js';
import { labelOf } from '../sql/row-pages.js';
import { Statements } from '../sql/statements.js';
import type { Origin } from '../sql/undo-statements.js';

/** One kind of rows of one rule, with the SQL for it. */
export interface Part {
  readonly rule: Rule;
  readonly rows: Rows;
  readonly statements: Statements;
  /** For actions with rows of their own. */
  readonly ownStatements: ReadonlyMap<Action, Statements>;
  /** For actions whose delayed effect has rows of its own. */
  readonly laterStatements: ReadonlyMap<Action, Statements>;
}

/**
 * One step of a departure: a rule's action on one kind of rows, on one transition. The remote effect of an action is a step
 * of its own, which runs with the step that it belongs to.
 */
export interface Step {
  readonly part: Part;
  readonly transition: AppliedTransition;
  /** The action as decided, for the receipt. */
  readonly resolved: ResolvedAction;
  /** The action as declared by the rule. */
  readonly action: Action;
  /** The SQL for the action's rows. */
  readonly statements: Statements;
  /** The delayed effect, and the SQL for its rows. */
  readonly later?: { readonly effect: Changing; readonly statements: Statements };
  /** For the step of a remote effect: the effect, and the step whose rows it goes along with. */
  readonly remote?: { readonly effect: RemoteEffect; readonly of: Step };
}

type Changing = Exclude<Effect, { kind: 'none' }>;

/** A policy names a rule or an action that this version of the service does not offer. */
export class UnknownAction extends PermanentError {
  readonly code = 'invalid-action';
}

/** A service's rules, bound to its tables, in the order of the rules file. */
export class RuleSet {
  readonly parts: readonly Part[];
  readonly hasRemoteEffects: boolean;
  /** Whether a reactivation can have something to restore that it does not ask for. */
  readonly restoresUnasked: boolean;
  private readonly marks: readonly MarkStatements[];

  constructor(
    readonly service: string,
    readonly rules: readonly Rule[],
    em: EntityManager,
  ) {
    const ids = rules.map((rule) => rule.id);
    if (new Set(ids).size < ids.length) throw new TypeError(`${service}: a rule is declared twice`);
    this.parts = rules.flatMap((rule) =>
      rule.rows.map((rows) => ({
        rule,
        rows,
        statements: new Statements(em, rows),
        ownStatements: statementsFor(rule, em, (action) => action.rows),
        laterStatements: statementsFor(rule, em, (action) => action.later?.rows),
      })),
    );
    for (const { rows, statements } of this.parts) if (rows.shown) labelOf(statements, rows.shown);
    // The proof of a take-over needs it.
    for (const { rule, statements } of this.parts) if (rule.choices.transferred) statements.grantedBefore();
    this.hasRemoteEffects = rules.flatMap(actionsOf).some(({ effect }) => sideEffectsOf(effect)?.remote !== undefined);
    const hasTwoHalves = rules.flatMap(actionsOf).some(({ later, effect }) => later && effect.kind === 'set');
    this.restoresUnasked = hasTwoHalves || this.hasRemoteEffects;
    const marked = rules.flatMap(actionsOf).flatMap(({ effect }) => (effect.kind === 'insert' ? [effect.into] : []));
    this.marks = [...new Set(marked)].map((marks) => new MarkStatements(em, marks));
  }

  /** Removes all marks of reactivated users. */
  async removeMarks(db: Db, userIds: readonly string[]): Promise<void> {
    for (const marks of this.marks) await marks.remove(db, userIds);
  }

  /** The rules' descriptions for identity's catalogue. */
  describe(): RuleDescription[] {
    return this.rules.map((rule, position) => ({
      id: rule.id,
      service: this.service,
      label: rule.label,
      position,
      fixed: rule.fixed,
      ...describedHandOver(rule),
      transitions: Object.fromEntries(
        Object.entries(rule.choices).map(([transition, choice]) => [
          transition,
          {
            allowed: namesOf(choice.actions),
            destroys: namesOf(choice.actions.filter((action) => action.destroys)),
            destroysAtOnce: namesOf(choice.actions.filter(destroysAtOnce)),
            default: choiceOf(choice.actions[0]!),
            presets: Object.fromEntries(
              Object.entries(rule.presets).flatMap(([preset, changes]) => {
                const action = changes[transition as Transition];
                return action ? [[preset, choiceOf(action)]] : [];
              }),
            ),
          },
        ]),
      ),
    }));
  }

  /**
   * The steps of the given transitions, in order. Rules that the policy does not name are left out. A take-over follows the
   * declarations: its event may have been decided before this version of the service declared them.
   */
  plan(transitions: readonly AppliedTransition[], policy: ResolvedRules): Step[] {
    const wanted = APPLIED_TRANSITIONS.filter((transition) => transitions.includes(transition));
    return wanted.flatMap((transition) =>
      this.parts.flatMap((part) => {
        if (part.rows.on && part.rows.on !== declaredOn(part.rule, transition)) return [];
        const resolved = transition === 'transferred' ? fixedOf(part.rule) : policy[part.rule.id]?.[transition];
        return resolved ? withRemote(stepOf(part, transition, resolved)) : [];
      }),
    );
  }

  /**
   * The step of a stored task or receipt line.
   * @throws UnknownAction
   */
  find(ruleId: string, part: string | null | undefined, transition: AppliedTransition, resolved: ResolvedAction): Step {
    const parts = this.parts.filter(({ rule }) => rule.id === ruleId);
    const own = parts.find(({ rows }) => (rows.part ?? null) === (part ?? null));
    if (own) return stepOf(own, transition, resolved);
    const steps = parts.flatMap((other) => withRemote(stepOf(other, transition, resolved)));
    const remote = steps.find((step) => step.remote?.effect.part === part);
    if (!remote) throw new UnknownAction(`no rule ${ruleId}`);
    return remote;
  }

  /** The remote effect with a receipt line of this rule and part. Undefined for the lines of the rule's own rows. */
  remoteEffect(ruleId: string, part: string | undefined): RemoteEffect | undefined {
    if (part === undefined) return undefined;
    const rule = this.rules.find(({ id }) => id === ruleId);
    const effects = rule ? actionsOf(rule).map(({ effect }) => sideEffectsOf(effect)?.remote) : [];
    return effects.find((effect) => effect?.part === part);
  }

  /** For each rule with a delayed effect on rows of its own: one such action, and the SQL for these rows. */
  delayedSteps(): { part: Part; transition: Transition; action: Action; statements: Statements }[] {
    return this.parts.flatMap((part) => {
      const [first] = part.laterStatements;
      const found = Object.entries(part.rule.choices).find(([, choice]) => first && choice.actions.includes(first[0]));
      return first && found
        ? [{ part, transition: found[0] as Transition, action: first[0], statements: first[1] }]
        : [];
    });
  }

  /** `table.column` of every column that a rule covers. */
  covered(): Set<string> {
    const all = this.parts.flatMap((part) => [
      part.statements,
      ...part.ownStatements.values(),
      ...part.laterStatements.values(),
    ]);
    return new Set([...all, ...this.marks].flatMap((statements) => statements.covers ?? []));
  }
}

function stepOf(part: Part, transition: AppliedTransition, resolved: ResolvedAction): Step {
  const { rule } = part;
  const declared = actionsOn(rule, transition).find(
    ({ name, scope }) => name === resolved.action && (!resolved.scope || resolved.scope === scope),
  );
  if (!declared) throw new UnknownAction(`${rule.id} does not offer ${resolved.action} on ${transition}`);
  const action = resolved.days === undefined ? declared : { ...declared, days: resolved.days };
  const statements = part.ownStatements.get(declared) ?? part.statements;
  const later = declared.later && {
    effect: changing(declared.later.effect),
    statements: part.laterStatements.get(declared) ?? part.statements,
  };
  return { part, transition, resolved, action, statements, ...(later && { later }) };
}

export const originOf = ({ action, part, transition }: Step): Origin => ({
  rule: part.rule.id,
  part: part.rows.part ?? '',
  transition,
  undoable: action.undo === 'on-request' && transition === 'deactivated',
});

/** The step, followed by the step of its remote effect, if it has one. */
function withRemote(step: Step): Step[] {
  const effect = sideEffectsOf(step.action.effect)?.remote;
  if (!effect) return [step];
  const part = { ...step.part, rows: { ...step.part.rows, part: effect.part } };
  return [step, { ...step, part, remote: { effect, of: step } }];
}

/** The step of a receipt line. Undefined if this version of the service no longer offers it. */
export function offeredStep(rules: RuleSet, { rule, part, action, days, scope }: ReceiptLine): Step | undefined {
  try {
    return rules.find(rule, part, 'deactivated', { action, days, scope } as ResolvedAction);
  } catch (error) {
    if (error instanceof UnknownAction) return undefined;
    throw error;
  }
}

/**
 * The same step for a leaver under legal hold. What it would destroy immediately becomes a delayed effect of 0 days, which
 * waits, like every delayed effect, until the hold is lifted. A take-over is refused under a hold and does not wait for one that
 * came later: it destroys only credentials, which the former person must not keep.
 */
export function heldStep(step: Step): Step {
  if (!destroysAtOnce(step.action) || step.transition === 'transferred') return step;
  const { action, statements } = step;
  const later = { effect: changing(action.effect), statements };
  return { ...step, action: { ...action, effect: { kind: 'none' }, days: 0, later }, later };
}

function changing(effect: Effect): Changing {
  if (effect.kind === 'none') throw new TypeError('an effect that changes nothing cannot come later');
  return effect;
}

const fixedOf = ({ choices: { transferred } }: Rule): ResolvedAction | undefined =>
  transferred && choiceOf(transferred.actions[0]!);
const namesOf = (actions: readonly Action[]): ActionName[] => [...new Set(actions.map(({ name }) => name))];
const actionsOf = (rule: Rule): Action[] => Object.values(rule.choices).flatMap((choice) => choice.actions);

function statementsFor(rule: Rule, em: EntityManager, rowsOf: (action: Action) => Rows | undefined) {
  return new Map(
    actionsOf(rule).flatMap((action) => {
      const rows = rowsOf(action);
      return rows ? [[action, new Statements(em, rows)] as const] : [];
    }),
  );
}

/** Whether the later step no longer selects rows of the same table that the earlier step of another rule has changed. */
export function takes(earlier: Step, later: Step): boolean {
  if (earlier.part === later.part || earlier.statements.tableName !== later.statements.tableName) return false;
  const { effect } = earlier.action;
  if (effect.kind === 'delete') return true;
  if (effect.kind !== 'set') return false;
  const { person, where } = later.part.rows;
  if (person !== null && (person in effect.changes || (removesRows(effect) && person === earlier.part.rows.person)))
    return true;
  return Object.entries(where).some(
    ([property, wanted]) => property in effect.changes && ![wanted].flat().includes(effect.changes[property] as never),
  );
}

/**
 * Whether rows changed by the earlier effect are still selected by the later one. A deletion applies both transitions, and
 * its preview has to know which rows the second one will find.
 */
export function survives(rows: Rows, earlier: Effect, later: Effect): boolean {
  if (earlier.kind === 'none') return true;
  if (removesRows(earlier)) return false;
  if (earlier.kind === 'insert') return later.kind !== 'insert' || later.into.entity !== earlier.into.entity;
  const changes = earlier.kind === 'set' ? earlier.changes : {};
  for (const [property, wanted] of Object.entries(rows.where)) {
    if (property in changes && ![wanted].flat().includes(changes[property] as never)) return false;
  }
  if (later.kind !== 'set' || removesRows(later)) return true;
  return Object.entries(later.changes).some(([property, value]) => isFixed(value) && changes[property] !== value);
}
