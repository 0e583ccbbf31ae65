import { APPLIED_TRANSITIONS, userSubject, type AppliedTransition, type UserEventType } from '#libs/contracts';
import { EXAMPLE_ID, NOW, type Facts } from '../openapi/example-facts.js';

const others = (shown: AppliedTransition): Facts =>
  Object.fromEntries(APPLIED_TRANSITIONS.filter((one) => one !== shown).map((one) => [one, undefined]));

const decision = (...steps: readonly string[]): Facts => ({
  steps,
  activeSince: 2,
  round: 1,
  takenOverAt: undefined,
  hasAddress: undefined,
  firstAdminId: EXAMPLE_ID,
  conversion: undefined,
  restore: undefined,
  tellContacts: undefined,
  policy: {
    version: 1,
    rules: {
      'messaging.live-chats': { deactivated: { action: 'unassign' }, ...others('deactivated') },
    },
  },
});

const known: Facts = { caretakerId: undefined, caretakerUntil: undefined, suspendedAt: undefined, legalHold: false };

const BY_TYPE: Readonly<Record<UserEventType, Facts>> = {
  'user.created': {
    seq: 1,
    lifecycleVersion: 1,
    profile: { ...known, status: 'invited' },
    departure: undefined,
  },
  'user.updated': { seq: 3, lifecycleVersion: 2, profile: { ...known, status: 'active' }, departure: undefined },
  'user.deactivated': {
    seq: 4,
    lifecycleVersion: 3,
    profile: { ...known, status: 'deactivated' },
    departure: decision('deactivated'),
  },
  'user.reactivated': {
    seq: 5,
    lifecycleVersion: 4,
    profile: { ...known, status: 'active' },
    departure: { ...decision(), firstAdminId: undefined, restore: 'all' },
  },
  'user.transferred': {
    seq: 5,
    lifecycleVersion: 3,
    profile: { ...known, status: 'active' },
    departure: {
      ...decision('transferred'),
      policy: {
        version: 1,
        rules: {
          'integrations.webhooks': { transferred: { action: 'disable' }, ...others('transferred') },
        },
      },
    },
  },
  'user.reassigned': {
    seq: 5,
    lifecycleVersion: 3,
    profile: { ...known, status: 'active' },
    departure: {
      ...decision('reassigned'),
      firstAdminId: undefined,
      policy: {
        version: 1,
        rules: {
          'insights.shared-dashboards': {
            reassigned: { action: 'transfer', to: EXAMPLE_ID },
            ...others('reassigned'),
          },
        },
      },
    },
  },
  'user.deleted': {
    seq: 5,
    lifecycleVersion: 4,
    profile: { ...known, name: null, staffId: null, status: 'deleted', teamIds: [] },
    departure: { ...decision('deleted'), hasAddress: true },
  },
};

const event: Facts = {
  source: 'urn:leaver:identity',
  subject: `${EXAMPLE_ID}.${EXAMPLE_ID}`,
  time: NOW,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

/** What the example of a message is about, by its name. */
export function factsOf(name: string): Facts {
  const data = BY_TYPE[name as UserEventType];
  if (data) return { ...event, subject: userSubject(name as UserEventType, EXAMPLE_ID, EXAMPLE_ID), data };
  if (name === 'departure.receipt') return {};
  if (name === 'departure.approval-requested') return event;
  return name.startsWith('departure.') ? { ...event, data: { approval: undefined } } : {};
}
