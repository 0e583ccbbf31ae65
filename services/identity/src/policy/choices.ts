import {
  ACTIONS,
  cutText,
  Problem,
  LEAVING_TRANSITIONS,
  type ActionChoice,
  type ActionInput,
  type ActionName,
  type LeavingTransition,
  type Overrides,
  type RuleDescription,
  type Transition,
  type TransitionDescription,
} from '#libs/contracts';

const MAX_DAYS = 3650;
const SCOPES: readonly unknown[] = ['all', 'installed-by-leaver'];
const FIELDS = ['action', 'days', 'scope'];

/** Converts an action from its API form to an object. */
export const choiceOf = (input: ActionInput): ActionChoice => (typeof input === 'string' ? { action: input } : input);

/** Converts an action to its API form: only its name if it has no parameters. */
export const inputOf = (choice: ActionChoice): ActionInput =>
  choice.days === undefined && choice.scope === undefined ? choice.action : choice;

/** @throws Problem `unknown-rule` with the valid ids */
export function ruleOf(catalogue: readonly RuleDescription[], id: string): RuleDescription {
  const rule = catalogue.find((candidate) => candidate.id === id);
  if (rule) return rule;
  throw new Problem('unknown-rule', { detail: `There is no rule ${id}.`, valid: catalogue.map((one) => one.id) });
}

/**
 * Refuses overrides that the catalogue does not allow.
 * @throws Problem `unknown-rule` or `invalid-action` with the valid values, `validation` for malformed actions
 */
export function checkOverrides(catalogue: readonly RuleDescription[], overrides: Overrides): void {
  for (const [id, transitions] of Object.entries(overrides)) {
    const rule = ruleOf(catalogue, id);
    if (!isObject(transitions)) throw malformed(id, 'must be an object: transition → action');
    for (const [transition, input] of Object.entries(transitions)) {
      if (!LEAVING_TRANSITIONS.includes(transition as LeavingTransition))
        throw malformed(`${id}.${transition}`, `must be one of ${LEAVING_TRANSITIONS.join(', ')}`);
      checkChoice(rule, [transition as LeavingTransition], input);
    }
  }
}

/**
 * Refuses an action that the rule offers on none of the transitions.
 * @returns the transitions on which the rule offers it
 * @throws Problem `invalid-action` with the valid names, `validation` for malformed actions
 */
export function checkChoice(rule: RuleDescription, transitions: readonly Transition[], input: unknown): Transition[] {
  const choice = wellFormed(rule.id, input);
  if (rule.fixed) throw new Problem('invalid-action', { detail: `${rule.id} is fixed.`, valid: [] });
  const offered = transitions.filter((transition) => rule.transitions[transition]?.allowed.includes(choice.action));
  if (offered.length === 0) {
    const valid = [...new Set(transitions.flatMap((transition) => rule.transitions[transition]?.allowed ?? []))];
    const when = transitions.join(' or ');
    throw new Problem('invalid-action', { detail: `${rule.id} does not offer ${choice.action} when ${when}.`, valid });
  }
  if (choice.scope && !offered.some((transition) => hasScope(rule.transitions[transition]!)))
    throw malformed(rule.id, 'has no scope');
  return offered;
}

function wellFormed(id: string, input: unknown): ActionChoice {
  const choice = typeof input === 'string' ? { action: input } : input;
  if (!isObject(choice) || !ACTIONS.includes(choice.action as ActionName)) {
    const action = isObject(choice) ? choice.action : undefined;
    if (typeof action === 'string')
      throw new Problem('invalid-action', { detail: `There is no action ${cutText(action, 100)}.`, valid: ACTIONS });
    throw malformed(id, 'must be the name of an action, or an object with it');
  }
  const unknownFields = Object.keys(choice).filter((field) => !FIELDS.includes(field));
  if (unknownFields.length > 0) throw malformed(id, `has no field ${cutText(unknownFields.join(', '), 100)}`);
  const { days, scope } = choice;
  if (days !== undefined && !String(choice.action).endsWith('-after')) throw malformed(id, 'takes no days');
  if (days !== undefined && !(Number.isInteger(days) && Number(days) >= 0 && Number(days) <= MAX_DAYS))
    throw malformed(id, `days must be a whole number from 0 to ${MAX_DAYS}`);
  if (scope !== undefined && !SCOPES.includes(scope)) throw malformed(id, `scope must be one of ${SCOPES.join(', ')}`);
  return { ...choice, action: choice.action as ActionName };
}

const hasScope = ({ default: usual, presets }: TransitionDescription): boolean =>
  [usual, ...Object.values(presets)].some((choice) => choice?.scope !== undefined);

const malformed = (field: string, message: string) =>
  new Problem('validation', { errors: [{ field: `overrides.${field}`, message }] });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
