import { describe, expect, it } from '@jest/globals';
import { PRESETS, type ActionChoice, type Overrides, type RuleDescription } from '#libs/contracts';
import { resolve } from './resolve.js';

const choice = (action: ActionChoice['action'], more: Partial<ActionChoice> = {}): ActionChoice => ({
  action,
  ...more,
});

const CATALOGUE: readonly RuleDescription[] = [
  {
    id: 'contacts.assignments',
    service: 'contacts',
    label: 'Assignments',
    position: 0,
    fixed: false,
    transitions: {
      deactivated: { allowed: ['keep', 'unassign', 'transfer'], default: choice('keep'), presets: {} },
      deleted: {
        allowed: ['keep', 'unassign', 'transfer'],
        default: choice('keep'),
        presets: { texting: choice('unassign') },
      },
    },
  },
  {
    id: 'telephony.numbers',
    service: 'telephony',
    label: 'Numbers',
    position: 0,
    fixed: false,
    transitions: {
      deleted: {
        allowed: ['release-after', 'keep', 'block', 'transfer'],
        default: choice('release-after', { days: 7 }),
        presets: { calls: choice('block') },
      },
    },
  },
  {
    id: 'messaging.chatbots',
    service: 'messaging',
    label: 'Chatbots',
    position: 0,
    fixed: false,
    transitions: { deactivated: { allowed: ['replace', 'transfer'], default: choice('replace'), presets: {} } },
  },
  {
    id: 'identity.sessions',
    service: 'identity',
    label: 'Sessions',
    position: 0,
    fixed: true,
    transitions: { deactivated: { allowed: ['revoke'], default: choice('revoke'), presets: {} } },
  },
];

const deletion = (
  request: Omit<Parameters<typeof resolve>[2], 'steps'> = {},
  overrides: Overrides = {},
  preset = 'crm' as const,
) => resolve(CATALOGUE, { preset, overrides }, { steps: ['deactivated', 'deleted'], ...request });

describe('the action of a rule', () => {
  it.each([
    ['crm', { action: 'keep' }, { action: 'release-after', days: 7 }],
    ['helpdesk', { action: 'keep' }, { action: 'release-after', days: 7 }],
    ['texting', { action: 'unassign' }, { action: 'release-after', days: 7 }],
    ['calls', { action: 'keep' }, { action: 'block' }],
  ] as const)('is the default of the preset %s', (preset, assignments, numbers) => {
    const rules = resolve(CATALOGUE, { preset, overrides: {} }, { steps: ['deactivated', 'deleted'] });
    expect(rules['contacts.assignments']).toEqual({ deactivated: { action: 'keep' }, deleted: assignments });
    expect(rules['telephony.numbers']).toEqual({ deleted: numbers });
    expect(rules['identity.sessions']).toEqual({ deactivated: { action: 'revoke' } });
  });

  it('is the account’s override under each preset', () => {
    const overrides: Overrides = {
      'contacts.assignments': { deleted: 'transfer' },
      'telephony.numbers': { deleted: 'keep' },
    };
    for (const preset of PRESETS) {
      const rules = resolve(CATALOGUE, { preset, overrides }, { steps: ['deactivated', 'deleted'] });
      expect(rules['contacts.assignments']).toEqual({
        deactivated: { action: 'keep' },
        deleted: { action: 'transfer' },
      });
      expect(rules['telephony.numbers']).toEqual({ deleted: { action: 'keep' } });
    }
  });

  it('is the departure’s override rather than the account’s, on every transition that offers it', () => {
    const account: Overrides = { 'contacts.assignments': { deleted: 'transfer' } };
    const rules = deletion({ overrides: { 'contacts.assignments': 'unassign' } }, account);
    expect(rules['contacts.assignments']).toEqual({
      deactivated: { action: 'unassign' },
      deleted: { action: 'unassign' },
    });
  });

  it('takes the days from the request, or else from the rule', () => {
    const days = (input: Overrides[string]['deleted']) =>
      deletion({}, { 'telephony.numbers': { deleted: input } })['telephony.numbers'];
    expect(days({ action: 'release-after', days: 30 })).toEqual({ deleted: { action: 'release-after', days: 30 } });
    expect(days('release-after')).toEqual({ deleted: { action: 'release-after', days: 7 } });
  });

  it('ignores an override that the rule no longer offers', () => {
    const stale: Overrides = {
      'contacts.assignments': { deleted: 'delete' },
      'identity.sessions': { deactivated: 'keep' },
    };
    expect(deletion({}, stale)).toEqual(deletion());
  });

  it('is left out for a deletion if only a deactivation is requested', () => {
    const rules = resolve(CATALOGUE, { preset: 'crm', overrides: {} }, { steps: ['deactivated'] });
    expect(Object.keys(rules)).toEqual(['contacts.assignments', 'messaging.chatbots', 'identity.sessions']);
    expect(rules['contacts.assignments']).toEqual({ deactivated: { action: 'keep' } });
  });
});

describe('a named successor', () => {
  it('gets everything that can be transferred, replaces the leaver where the rule replaces, and does not affect fixed rules', () => {
    expect(deletion({ successors: { default: 'sue' } })).toEqual({
      'contacts.assignments': {
        deactivated: { action: 'transfer', to: 'sue' },
        deleted: { action: 'transfer', to: 'sue' },
      },
      'telephony.numbers': { deleted: { action: 'transfer', to: 'sue' } },
      'messaging.chatbots': { deactivated: { action: 'replace', to: 'sue' } },
      'identity.sessions': { deactivated: { action: 'revoke' } },
    });
  });

  it('for one rule takes precedence over the default one', () => {
    const rules = deletion({ successors: { default: 'sue', 'telephony.numbers': 'tom' } });
    expect(rules['telephony.numbers']).toEqual({ deleted: { action: 'transfer', to: 'tom' } });
    expect(rules['contacts.assignments']!.deleted).toEqual({ action: 'transfer', to: 'sue' });
  });

  it('for one rule only leaves the rest to the policy', () => {
    const rules = deletion({ successors: { 'telephony.numbers': 'tom' } });
    expect(rules['contacts.assignments']).toEqual(deletion()['contacts.assignments']);
  });

  it('takes precedence over the account’s override, but as default not over the request’s override of a rule', () => {
    const account: Overrides = { 'telephony.numbers': { deleted: 'keep' } };
    expect(deletion({ successors: { default: 'sue' } }, account)['telephony.numbers']!.deleted!.action).toBe(
      'transfer',
    );
    const overrides = { 'telephony.numbers': 'keep' } as const;
    const numbers = (successors: Record<string, string>) =>
      deletion({ successors, overrides })['telephony.numbers']!.deleted;
    expect(numbers({ default: 'sue' })).toEqual({ action: 'keep' });
    expect(numbers({ 'telephony.numbers': 'tom' })).toEqual({ action: 'transfer', to: 'tom' });
  });
});
