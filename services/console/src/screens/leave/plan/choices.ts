import type { Schemas } from '../../../api/client';

export type Preview = Schemas['ChoicesPreview'];
export type Line = Schemas['PreviewRule'];
export type Action = Line['action'];
export type Wishes = Schemas['DraftChoices'];
export type ActionInput = NonNullable<Wishes['overrides']>[string];
export type Successor = NonNullable<Wishes['successors']>[string];

export interface Choices {
  transition: 'deactivated' | 'deleted';
  effectiveAt?: string;
  returnAt?: string;
  reason?: string;
  /** Sent to the contacts when the departure begins. */
  tellContacts?: NonNullable<Wishes['tellContacts']>;
  successors: Readonly<Record<string, Successor>>;
  overrides: Readonly<Record<string, ActionInput>>;
}

export const NO_CHOICES: Choices = { transition: 'deactivated', successors: {}, overrides: {} };

/** The successor for everything that has none of its own. */
export const DEFAULT = 'default';

/** What has been kept; a draft for a return is not one of these. */
export function choicesOf(draft: Wishes | null): Choices {
  if (!draft || draft.transition === 'reactivated') return NO_CHOICES;
  const { transition, effectiveAt, returnAt, reason, tellContacts, successors = {}, overrides = {} } = draft;
  return { transition, effectiveAt, returnAt, reason, tellContacts, successors, overrides };
}

/** As the API takes them: without what has not been chosen. */
export function requestOf({ successors, overrides, reason, returnAt, tellContacts, ...rest }: Choices) {
  return {
    ...rest,
    ...(Object.keys(successors).length > 0 && { successors: { ...successors } }),
    ...(Object.keys(overrides).length > 0 && { overrides: { ...overrides } }),
    ...(tellContacts?.text.trim() && { tellContacts }),
    ...(reason?.trim() && { reason: reason.trim() }),
    // A user who comes back gets what can be given back.
    ...(rest.transition === 'deactivated' && returnAt && { returnAt, restore: 'all' as const }),
  };
}

/** A copy without this entry. */
export function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _, ...others } = record;
  return others;
}
