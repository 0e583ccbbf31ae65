import { Flag, Id, ListOf, Nested, OneOf, Shape, SomeOf, Text, Whole } from '../fields.js';
import type { Schema } from '../fields/registry.js';
import { operation } from '../operation.js';
import {
  ACTIONS,
  LEAVING_TRANSITIONS,
  PRESETS,
  TRANSITIONS,
  type ActionChoice,
  type ActionName,
  type LeavingTransition,
  type Preset,
  type Transition,
} from '../policy.js';
import { MANAGERS } from '../principal.js';
import { MESSAGE_LENGTH } from '../messaging/scheduled-messages.js';
import { Approvals, ApprovalsChange } from './approvals.js';
import { MFA, type Mfa } from './sign-in-methods.js';

/** The name of an action, or an action with its parameters. */
export type ActionInput = ActionName | ActionChoice;

/** By rule id: what an account has chosen instead of the preset's default. A take-over leaves no choice. */
export type Overrides = Record<string, Partial<Record<LeavingTransition, ActionInput>>>;

export const ACTION_SCHEMA: Schema = {
  anyOf: [
    { type: 'string', enum: [...ACTIONS] },
    {
      type: 'object',
      properties: {
        action: { type: 'string', enum: [...ACTIONS] },
        days: { type: 'integer', minimum: 0, maximum: 3650 },
        scope: { type: 'string', enum: ['all', 'installed-by-leaver'] },
      },
      required: ['action'],
      additionalProperties: false,
    },
  ],
};

const actionsBy = (transitions: readonly Transition[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(transitions.map((transition) => [transition, ACTION_SCHEMA])),
  additionalProperties: false,
});

const OVERRIDES_SCHEMA: Schema = { type: 'object', additionalProperties: actionsBy(LEAVING_TRANSITIONS) };

const DEFAULTS_SCHEMA: Schema = {
  type: 'object',
  properties: Object.fromEntries(PRESETS.map((preset) => [preset, actionsBy(TRANSITIONS)])),
  required: [...PRESETS],
  additionalProperties: false,
};

/** A rule as its service has declared it. */
export class CatalogueRule {
  @Text() id: string;
  @Text() service: string;
  @Text() label: string;
  @SomeOf(TRANSITIONS) transitions: Transition[];
  @SomeOf(ACTIONS, { about: 'The actions that an account may choose unless the rule is fixed.' }) allowed: ActionName[];
  @Flag({ about: 'Whether accounts cannot change it.' }) fixed: boolean;
  @Shape(DEFAULTS_SCHEMA, 'an object: preset → transition → action', {
    about: 'The default actions by preset and transition. An action without parameters is represented by its name.',
  })
  defaults: Record<Preset, Partial<Record<Transition, ActionInput>>>;
}

export class Catalogue {
  @ListOf(() => CatalogueRule) items: CatalogueRule[];
}

/** What an identity provider's `active: false` does to a user. */
export const SCIM_INACTIVE = ['deactivate', 'suspend'] as const;
export type ScimInactive = (typeof SCIM_INACTIVE)[number];

/** Answers contacts who write to a user who has left. */
export class AutoReply {
  @Text({ max: MESSAGE_LENGTH, about: 'Sent once to each contact.' }) text: string;
  @Whole({ min: 1, max: 365, about: 'For so many days after the user’s latest deactivation or deletion.' })
  days: number;
}

export class Policy {
  @OneOf(PRESETS) preset: Preset;
  @Shape(OVERRIDES_SCHEMA, 'an object: rule id → transition → action', {
    about: 'The actions that differ from those of the preset.',
  })
  overrides: Overrides;
  @OneOf(SCIM_INACTIVE, {
    about: 'What `active: false` of an identity provider does to a user. Default: `deactivate`.',
  })
  scimInactive: ScimInactive;
  @Whole({
    min: 1,
    max: 3650,
    nullable: true,
    about: 'Days after a deactivation on which the user is deleted. Null: never.',
  })
  eraseAfterDays: number | null;
  @Whole({
    max: 365,
    about: 'How many days before such a deletion managers are notified by `departure.announced`. 0: when it begins.',
  })
  eraseAnnouncedDaysBefore: number;
  @Nested(() => AutoReply, {
    nullable: true,
    about: 'The automatic answer to contacts who write to a user who has left. Null: none.',
  })
  autoReply: AutoReply | null;
  @Nested(() => Approvals, { about: 'What needs the approval of another manager.' }) approvals: Approvals;
  @OneOf(MFA, { about: 'Who must have a second factor.' }) mfa: Mfa;
  @Whole({ min: 1, about: 'Goes up by one with every change.' }) version: number;
}

export class PolicyChoices {
  @OneOf(PRESETS, { optional: true, about: 'Unchanged if left out.' }) preset?: Preset;
  @Shape(OVERRIDES_SCHEMA, 'an object: rule id → transition → action', {
    optional: true,
    shallow: true,
    about: 'Replaces all overrides. They are unchanged if left out.',
  })
  overrides?: Overrides;
}

export class PolicyChange extends PolicyChoices {
  @OneOf(SCIM_INACTIVE, {
    optional: true,
    about:
      'What `active: false` of an identity provider does: `deactivate` the user with the rules of this policy, or `suspend` ' +
      'them, so that `active: true` resumes them. Unchanged if left out.',
  })
  scimInactive?: ScimInactive;
  @Whole({
    min: 1,
    max: 3650,
    optional: true,
    nullable: true,
    about:
      'A deactivation without return schedules the deletion for this many days later, but not before `retentionDays` are over. It does not change what is ' +
      'scheduled already. Null: no deletion is scheduled. Unchanged if left out.',
  })
  eraseAfterDays?: number | null;
  @Nested(() => AutoReply, {
    optional: true,
    nullable: true,
    about:
      'Answers contacts who write to the number or the personal inbox of a user who has left, also of those who have left already. ' +
      'Null: no automatic answer. Unchanged if left out.',
  })
  autoReply?: AutoReply | null;
  @Nested(() => ApprovalsChange, {
    optional: true,
    about:
      'What needs the approval of another manager. A field that is left out stays as it is. Only owners can change it, with ' +
      'a recent `POST /v1/auth/step-up`. What waits already keeps waiting.',
  })
  approvals?: ApprovalsChange;
  @Whole({
    max: 365,
    optional: true,
    about:
      'How many days before such a deletion managers are notified. Less than `eraseAfterDays`. It is 7 at first, or less with an `eraseAfterDays` of 7 or less. ' +
      'Unchanged if left out.',
  })
  eraseAnnouncedDaysBefore?: number;
  @OneOf(MFA, {
    optional: true,
    about:
      'Who must have a second factor: nobody, owners and admins, or everybody. Without one, a new session can only set one up; ' +
      'sessions from before the change can do so for seven days more. Only owners can change it, with a recent ' +
      '`POST /v1/auth/step-up`. Unchanged if left out.',
  })
  mfa?: Mfa;
  @Whole({
    min: 1,
    optional: true,
    about: 'The version that the change is based on. The request is refused if there is a newer one.',
  })
  version?: number;
}

/** Rows of a user who has left that a rule should have changed and has not. */
export class BrokenPromise {
  @Id() userId: string;
  @Text() rule: string;
  @Text({ optional: true }) part?: string;
  @OneOf(TRANSITIONS) transition: Transition;
  @OneOf(ACTIONS) action: ActionName;
  @Whole({ min: 1 }) remaining: number;
}

export const rulesList = operation<Catalogue>({
  id: 'rules.list',
  service: 'identity',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/rules',
  summary: 'List the rules for the data of users who leave',
  answer: Catalogue,
});

export const policyGet = operation<Policy>({
  id: 'policy.get',
  service: 'identity',
  method: 'GET',
  path: '/v1/policy',
  summary: 'Read the account’s policy',
  answer: Policy,
  access: MANAGERS,
});

export const policyPut = operation<Policy, PolicyChange>({
  id: 'policy.put',
  service: 'identity',
  method: 'PUT',
  path: '/v1/policy',
  summary: 'Change the account’s policy; departures that are already decided keep the old one',
  body: PolicyChange,
  answer: Policy,
  access: MANAGERS,
  errors: ['unknown-rule', 'invalid-action', 'conflict', 'forbidden', 'step-up-required', 'no-approver'],
});
