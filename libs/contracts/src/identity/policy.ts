import { Flag, Id, ListOf, OneOf, Shape, SomeOf, Text, Whole } from '../fields.js';
import type { Schema } from '../fields/registry.js';
import { operation } from '../operation.js';
import {
  ACTIONS,
  PRESETS,
  TRANSITIONS,
  type ActionChoice,
  type ActionName,
  type Preset,
  type Transition,
} from '../policy.js';
import { MANAGERS } from '../principal.js';

/** An action by its name alone, or with its parameters. */
export type ActionInput = ActionName | ActionChoice;

/** By rule id: what an account wants instead of the preset's default. */
export type Overrides = Record<string, Partial<Record<Transition, ActionInput>>>;

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

const BY_TRANSITION: Schema = {
  type: 'object',
  properties: Object.fromEntries(TRANSITIONS.map((transition) => [transition, ACTION_SCHEMA])),
  additionalProperties: false,
};

const OVERRIDES_SCHEMA: Schema = { type: 'object', additionalProperties: BY_TRANSITION };

const DEFAULTS_SCHEMA: Schema = {
  type: 'object',
  properties: Object.fromEntries(PRESETS.map((preset) => [preset, BY_TRANSITION])),
  required: [...PRESETS],
  additionalProperties: false,
};

/** One rule of the catalogue, as its service has declared it. */
export class CatalogueRule {
  @Text() id: string;
  @Text() service: string;
  @Text() label: string;
  @SomeOf(TRANSITIONS) transitions: Transition[];
  @SomeOf(ACTIONS, { about: 'What an account may choose, if the rule is not fixed.' }) allowed: ActionName[];
  @Flag({ about: 'No account may change it.' }) fixed: boolean;
  @Shape(DEFAULTS_SCHEMA, 'an object: preset → transition → action', {
    about: 'By preset and transition. An action without parameters is its name.',
  })
  defaults: Record<Preset, Partial<Record<Transition, ActionInput>>>;
}

export class Catalogue {
  @ListOf(() => CatalogueRule) items: CatalogueRule[];
}

export class Policy {
  @OneOf(PRESETS) preset: Preset;
  @Shape(OVERRIDES_SCHEMA, 'an object: rule id → transition → action', {
    about: 'Where the account deviates from the preset.',
  })
  overrides: Overrides;
  @Whole({ min: 1, about: 'Counts up with every change.' }) version: number;
}

export class PolicyChange {
  @OneOf(PRESETS, { optional: true, about: 'Stays as it is unless told.' }) preset?: Preset;
  @Shape(OVERRIDES_SCHEMA, 'an object: rule id → transition → action', {
    optional: true,
    shallow: true,
    about: 'Takes the place of all overrides there are. They stay as they are unless told.',
  })
  overrides?: Overrides;
  @Whole({
    min: 1,
    optional: true,
    about: 'The version that the change was made from: refused when there is a newer one.',
  })
  version?: number;
}

/** Rows that break a promise. */
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
  path: '/v1/rules',
  summary: 'List the rules: what happens to a leaver’s data',
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
  summary: 'Change the account’s policy; departures already decided keep theirs',
  body: PolicyChange,
  answer: Policy,
  access: MANAGERS,
  errors: ['unknown-rule', 'invalid-action', 'conflict'],
});
