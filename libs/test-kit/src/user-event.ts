import {
  dataSchema,
  type AppliedTransition,
  type DepartureFacts,
  type Profile,
  type UserEvent,
  type UserEventType,
  type UserStatus,
} from '#libs/contracts';

/** The source of ids and times: a test service, a rule bench, or the test's own. */
interface Source {
  ids: { next(): string };
  clock: { now(): Date };
}

interface Overrides {
  /** Default: `lifecycleVersion`. */
  seq?: number;
  /** Default: 2, the second change of status; the first is the user's creation. */
  lifecycleVersion?: number;
  profile?: Partial<Profile>;
  departure?: Partial<DepartureFacts>;
}

const STATUS: Partial<Record<UserEventType, UserStatus>> = {
  'user.deactivated': 'deactivated',
  'user.deleted': 'deleted',
};

const STEPS: Partial<Record<UserEventType, AppliedTransition[]>> = {
  'user.reassigned': ['reassigned'],
  'user.transferred': ['transferred'],
  'user.deactivated': ['deactivated'],
  'user.deleted': ['deactivated', 'deleted'],
};

/** Builds an event as identity would publish it, about an agent in an account with preset `crm` and no overrides. */
export function buildUserEvent(
  { ids, clock }: Source,
  type: UserEventType,
  { accountId, userId }: { accountId: string; userId: string },
  { lifecycleVersion = 2, seq = lifecycleVersion, profile, departure }: Overrides = {},
): UserEvent {
  const status = profile?.status ?? STATUS[type] ?? 'active';
  const now = clock.now().toISOString();
  const isLifecycle = type !== 'user.created' && type !== 'user.updated';
  return {
    specversion: '1.0',
    id: ids.next(),
    source: '/leaver/identity',
    type,
    subject: userId,
    time: now,
    datacontenttype: 'application/json',
    dataschema: dataSchema('UserEventData'),
    data: {
      accountId,
      userId,
      seq,
      lifecycleVersion,
      profile: {
        name: status === 'deleted' ? null : 'Robin Example',
        staffId: null,
        status,
        isManager: false,
        teamIds: [],
        createdAt: now,
        redactionLabel: 'plain',
        legalHold: false,
        ...profile,
      },
      ...(isLifecycle && {
        departure: {
          id: ids.next(),
          steps: STEPS[type] ?? [],
          activeSince: 1,
          wasManager: profile?.isManager ?? false,
          policy: { preset: 'crm', version: 1, rules: {} },
          round: 0,
          ...departure,
        },
      }),
    },
  };
}
