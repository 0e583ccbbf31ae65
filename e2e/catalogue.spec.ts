import { readFile } from 'node:fs/promises';
import { PRESETS, TRANSITIONS, type CatalogueRule, type Preset, type Transition } from '#libs/contracts';
import { rulesDocument } from '../scripts/rules-doc.mjs';
import type { Json } from './support/api.js';
import { System } from './support/system.js';

/** An action by name, with `days` or `scope` if it has them; null if the rule has no action on the transition. */
type Action = CatalogueRule['defaults'][Preset][Transition] | null;

interface Expected {
  /** On deactivation and on deletion, in every preset that is not in `presets`. */
  base: Record<'deactivated' | 'deleted', Action>;
  /** When another person takes the user over. */
  transferred?: Action;
  presets?: Partial<Record<Preset, Partial<Record<Transition, Action>>>>;
  /** The actions that an account can choose; absent for a fixed rule. */
  allowed?: string[];
}

const fixed = (deactivated: Action, deleted: Action): Expected => ({ base: { deactivated, deleted } });
const open = (
  deactivated: Action,
  deleted: Action,
  allowed: string[],
  presets: Expected['presets'] = {},
): Expected => ({ base: { deactivated, deleted }, allowed, presets });
/** A rule about what is a person's own: it also ends when another person takes the user over. */
const own = (transferred: Action, expected: Expected): Expected => ({ ...expected, transferred });

/** The policy, written a second time by hand to detect mistakes in declarations. */
const EXPECTED: Record<string, Expected> = {
  'identity.sessions': own('revoke', fixed('revoke', null)),
  'identity.api-tokens': own('revoke', fixed('revoke', null)),
  'identity.seat': fixed('free', null),
  'identity.invitations': own('revoke', open('revoke', null, ['keep', 'revoke'])),
  'identity.credentials': own('delete', fixed('keep', 'delete')),
  'identity.memberships': fixed('keep', 'remove'),
  'identity.profile': fixed('keep', 'redact'),
  'identity.audit': fixed('keep', 'redact'),
  'identity.caretakers': fixed('end', 'end'),
  'identity.managers': fixed('keep', 'end'),
  'identity.provisioning-tokens': own('revoke', open('revoke', 'revoke', ['revoke', 'keep'])),
  'identity.scheduled-departures': open('keep', 'keep', ['keep', 'cancel', 'transfer']),

  'contacts.assignments': open('keep', 'keep', ['keep', 'unassign', 'transfer'], { texting: { deleted: 'unassign' } }),
  'contacts.records': open('keep', 'keep', ['keep', 'transfer', 'unassign']),
  'contacts.segments': open('keep', 'keep', ['keep', 'delete', 'transfer'], { texting: { deleted: 'delete' } }),
  'contacts.filters': open('keep', 'keep', ['keep', 'transfer', 'delete']),
  'contacts.private-filters': open('keep', 'delete', ['keep', 'delete']),
  'contacts.filter-conditions': fixed('keep', 'keep'),
  'contacts.import-sources': own('disable', open('transfer', 'transfer', ['transfer', 'disable'])),
  'contacts.writings': fixed('keep', 'keep'),

  'messaging.conversations': open('keep', 'unassign', ['keep', 'unassign', 'transfer']),
  'messaging.personal-threads': open('keep', 'keep', ['keep', 'delete'], { texting: { deleted: 'delete' } }),
  'messaging.scheduled-messages': open('hold', 'cancel', ['keep', 'hold', 'cancel']),
  'messaging.shared-scheduled-messages': fixed('keep', 'keep'),
  'messaging.campaigns': fixed('keep', 'keep'),
  'messaging.live-chats': open('unassign', 'unassign', ['keep', 'unassign', 'transfer'], {
    helpdesk: { deactivated: 'keep' },
  }),
  'messaging.chatbots': open('replace', 'replace', ['replace', 'transfer']),
  'messaging.webforms': open('replace', 'replace', ['replace', 'transfer']),
  'messaging.email-templates': open('keep', 'keep', ['keep', 'transfer']),
  'messaging.private-email-templates': open('keep', 'delete', ['keep', 'delete', 'transfer']),
  'messaging.linked-emails': fixed('keep', 'keep'),
  'messaging.private-emails': open({ action: 'delete-after', days: 30 }, { action: 'delete-after', days: 30 }, [
    'delete-after',
  ]),
  'messaging.internal-notes': fixed('keep', 'keep'),
  'messaging.csat': fixed('keep', 'keep'),
  'messaging.activity': fixed('keep', 'keep'),
  'messaging.inbox-memberships': fixed('keep', 'remove'),

  'telephony.numbers': open(
    'keep',
    { action: 'release-after', days: 7 },
    ['keep', 'block', 'transfer', 'release-after'],
    { calls: { deleted: 'block' } },
  ),
  'telephony.call-routing': open('keep', 'unassign', ['keep', 'unassign', 'transfer', 'block'], {
    calls: { deleted: 'block' },
  }),
  'telephony.callbacks': open('keep', 'unassign', ['keep', 'unassign', 'transfer']),
  'telephony.call-history': fixed('keep', 'keep'),

  'automations.owned': open('disable', null, ['disable', 'transfer']),
  'automations.selected-triggers': open('keep', 'keep', ['keep', 'remove']),
  'automations.any-triggers': fixed('exclude', 'exclude'),
  'automations.assignment-rules': open('keep', 'keep', ['keep', 'remove']),

  'integrations.apps': own('uninstall', open('uninstall', null, ['uninstall', 'transfer'])),
  'integrations.shared-apps': own(
    { action: 'uninstall', scope: 'installed-by-leaver' },
    open({ action: 'uninstall', scope: 'all' }, null, ['uninstall', 'transfer', 'keep']),
  ),
  'integrations.webhooks': own('disable', open('disable', null, ['disable', 'transfer'])),
  'integrations.account-syncs': own('stop', fixed('stop', null)),
  'integrations.scheduler-links': own('expire', fixed('expire', null)),
  'integrations.documents': fixed('keep', 'keep'),
  'integrations.document-templates': fixed('keep', 'keep'),
  'integrations.signatures': fixed('keep', 'keep'),
  'integrations.invoices': fixed('keep', 'keep'),

  'insights.shared-dashboards': open('transfer', null, ['transfer']),
  'insights.private-dashboards': open('keep', 'delete', ['keep', 'transfer', 'delete']),
  'insights.public-links': own('disable', fixed('disable', null)),
  'insights.shared-reports': open('withdraw', null, ['withdraw', 'transfer']),
  'insights.participation': fixed('keep', 'keep'),
  'insights.filters': fixed('keep', 'keep'),
};

/** The rule's default action by preset and transition; null without one. */
function expectedDefaults({ base, presets = {}, transferred = null }: Expected) {
  return Object.fromEntries(PRESETS.map((preset) => [preset, { ...base, transferred, ...presets[preset] }]));
}

function shownDefaults({ defaults }: CatalogueRule) {
  return Object.fromEntries(
    PRESETS.map((preset) => [
      preset,
      Object.fromEntries(TRANSITIONS.map((transition) => [transition, defaults[preset][transition] ?? null])),
    ]),
  );
}

describe('the catalogue of rules', () => {
  let system: System;
  let rules: CatalogueRule[];
  beforeAll(async () => {
    system = await System.start();
    const owner = { name: 'Olga', email: 'olga@example.com', password: 'correct horse battery', staffId: 'S-1' };
    const { accessToken } = await system.api().post<Json>('/v1/accounts', { name: 'Readers', owner });
    ({ items: rules } = await system.api(accessToken as string).get<{ items: CatalogueRule[] }>('/v1/rules'));
  }, 90_000);
  afterAll(() => system?.stop());

  it('contains exactly these rules', () => {
    const listed = rules.map(({ id }) => id);
    const unexpected = listed.filter((id) => !(id in EXPECTED));
    expect(unexpected.map((id) => `${id}: write down in EXPECTED what it does`)).toEqual([]);
    expect(Object.keys(EXPECTED).filter((id) => !listed.includes(id))).toEqual([]);
  });

  it.each(Object.entries(EXPECTED))('describes %s as in the policy', (id, expected) => {
    const rule = rules.find((candidate) => candidate.id === id)!;
    expect(rule).toMatchObject({ service: id.split('.')[0], fixed: expected.allowed === undefined });
    expect(shownDefaults(rule)).toEqual(expectedDefaults(expected));
    if (expected.allowed) expect([...rule.allowed].sort()).toEqual([...expected.allowed].sort());
  });

  it('matches docs/rules.md, as `node scripts/rules-doc.mjs` writes it', async () => {
    const written = await readFile(new URL('../docs/rules.md', import.meta.url), 'utf8');
    expect(written).toBe(rulesDocument(rules));
  });
});
