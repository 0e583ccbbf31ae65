import { isManager, type Principal } from './principal.js';

/** Users, by what a row is to them. What `own` and `team` mean for a resource is in its line of `RIGHTS`. */
export type Who =
  /** Every user of the account. */
  | 'everyone'
  /** The user whose row it is. */
  | 'own'
  /** Users with whom it is shared. */
  | 'team'
  /** Owners and admins of the account. */
  | 'managers';

/** Who may do what with the rows of a resource. A row of another account does not exist for anybody. */
export interface Rights {
  /** What makes a row the user's own. Without it, rows belong to the account. */
  own?: string;
  /** What makes a row one of the user's team. */
  team?: string;
  /** Who reads a row, and finds it in lists. To all others it does not exist: 404. */
  see: readonly Who[];
  /** Who changes a row and calls its actions, of those who see it; 403 for the others. Default: owner and managers. */
  change?: readonly Who[];
  /** Who removes a row, of those who see it. Default: as `change`. */
  remove?: readonly Who[];
  /** Who may create a row for another user. Default: managers. */
  createFor?: 'everyone' | 'managers';
  /** Actions, by the last part of the operation’s id, that differ from `change`. */
  actions?: Readonly<Record<string, readonly Who[]>>;
  /** Actions that users who may call them may not call on a row of their own: 403. */
  notOwn?: readonly string[];
}

const EVERYONE = ['everyone'] as const;
const MANAGED = ['managers'] as const;
const OWN_OR_MANAGED = ['own', 'managers'] as const;
const SHARED = ['own', 'team', 'managers'] as const;
/** Visible with what it belongs to, even if another user wrote it. */
const FOLLOWING = ['team', 'managers'] as const;
/** Private to the user, even from managers, until the user shares it. */
const PRIVATE = ['own', 'team'] as const;

const ownerIs = 'the user is its owner';

/** Who may do what, by resource: the first part of the ids of its operations. */
export const RIGHTS = {
  // messaging: everything follows the inbox.
  inboxes: {
    own: 'the user’s personal inbox',
    team: 'a shared inbox that has the user as a member or was made for the whole account; an inbox the user takes care of',
    see: SHARED,
    actions: { conversations: SHARED },
  },
  conversations: {
    own: 'in the user’s personal inbox, or one the user takes care of',
    team: 'in a shared inbox that the user sees, or assigned to the user',
    see: SHARED,
    change: SHARED,
    remove: OWN_OR_MANAGED,
    createFor: 'everyone',
  },
  messages: {
    own: 'sent by the user, or in the user’s personal inbox, or one the user takes care of',
    team: 'in a conversation that the user sees',
    see: FOLLOWING,
    remove: OWN_OR_MANAGED,
    actions: { delivery: MANAGED, inbound: MANAGED },
  },
  'scheduled-messages': {
    own: 'scheduled by the user, or from the user’s personal inbox, or one the user takes care of',
    team: 'from a shared inbox that the user sees',
    see: SHARED,
    remove: OWN_OR_MANAGED,
  },
  'internal-notes': {
    own: 'written by the user',
    team: 'on a conversation that the user sees, or written by the user on one that has been removed',
    see: FOLLOWING,
    remove: OWN_OR_MANAGED,
  },
  'csat-responses': {
    own: 'about a conversation that the user handled',
    team: 'about a conversation that the user sees',
    see: SHARED,
    remove: MANAGED,
  },
  campaigns: { own: ownerIs, see: EVERYONE, change: EVERYONE, remove: OWN_OR_MANAGED },
  'live-chats': {
    own: 'answered by the user',
    see: EVERYONE,
    change: EVERYONE,
    remove: OWN_OR_MANAGED,
    createFor: 'everyone',
  },
  'live-chat-operators': { own: 'the user', see: EVERYONE },
  chatbots: { own: 'the user is in its playbook', see: EVERYONE },
  webforms: { own: 'the user gets its submissions', see: EVERYONE },
  'email-templates': { own: ownerIs, team: 'it is shared', see: PRIVATE },
  emails: { own: ownerIs, team: 'it is shared', see: PRIVATE },

  // contacts: customers and the work on them are shared in the account.
  contacts: { see: EVERYONE, change: EVERYONE },
  records: { own: ownerIs, see: EVERYONE, createFor: 'everyone' },
  segments: { own: ownerIs, see: EVERYONE, actions: { copy: EVERYONE, use: EVERYONE } },
  filters: {
    own: ownerIs,
    team: 'it is public',
    see: PRIVATE,
    actions: { contacts: PRIVATE, records: PRIVATE },
  },
  notes: { own: 'written by the user', see: EVERYONE },
  comments: { own: 'written by the user', see: EVERYONE },
  files: { own: 'attached by the user', see: EVERYONE },
  'contact-imports': { own: 'imported by the user', see: OWN_OR_MANAGED },
  'import-sources': { own: ownerIs, see: MANAGED, change: MANAGED },

  // telephony
  numbers: {
    own: 'the user owns or answers it',
    team: 'a shared number',
    see: EVERYONE,
    change: MANAGED,
    actions: { 'contacts.list': SHARED, 'contacts.add': SHARED },
  },
  calls: {
    own: 'the user got or made it, or owns or answers the number',
    team: 'with a shared number',
    see: SHARED,
    actions: { inbound: MANAGED },
  },
  callbacks: {
    own: 'assigned to the user',
    see: EVERYONE,
    change: EVERYONE,
    remove: OWN_OR_MANAGED,
    createFor: 'everyone',
  },

  automations: { own: ownerIs, see: EVERYONE, actions: { owners: EVERYONE, exclusions: EVERYONE } },
  'automation-runs': { see: EVERYONE, change: EVERYONE },
  'assignment-rules': { see: EVERYONE, change: MANAGED },
  assignments: { see: EVERYONE, change: EVERYONE },

  // integrations: what holds a credential is private to its user and managers.
  apps: { own: 'installed by the user', team: 'shared', see: SHARED, remove: OWN_OR_MANAGED },
  webhooks: { own: ownerIs, see: OWN_OR_MANAGED },
  'account-syncs': { own: ownerIs, see: OWN_OR_MANAGED },
  'scheduler-links': { own: ownerIs, see: EVERYONE },
  'storage-connections': { own: 'the user has access to it', see: EVERYONE },
  documents: { own: ownerIs, team: 'the user has access to its storage', see: ['team'], change: ['team'] },
  'document-templates': {
    own: ownerIs,
    team: 'the user has its owner’s permission',
    see: PRIVATE,
    change: ['own'],
    remove: OWN_OR_MANAGED,
    actions: { use: PRIVATE },
  },
  signatures: { own: ownerIs, team: 'everyone sees the deal', see: SHARED, remove: OWN_OR_MANAGED },
  invoices: { own: ownerIs, see: EVERYONE },

  // insights
  dashboards: { own: ownerIs, team: 'it is shared', see: PRIVATE },
  'public-links': { own: 'created by the user', team: 'to a dashboard that the user sees', see: PRIVATE },
  reports: { own: ownerIs, team: 'it is shared with the user', see: PRIVATE, change: ['own'], remove: OWN_OR_MANAGED },
  goals: { own: ownerIs, see: EVERYONE },
  'insight-filters': { see: EVERYONE, change: EVERYONE },

  // identity
  users: { own: 'the user', see: EVERYONE, notOwn: ['suspend', 'transfer'] },
  teams: { see: EVERYONE, change: MANAGED },
} as const satisfies Record<string, Rights>;

export type RightsOf = keyof typeof RIGHTS;

/** Who may call an operation of the resource, by the rest of its id: `list`, `get`, `update`, `take`. */
export function whoMay(rights: Rights, verb: string): readonly Who[] {
  const { see, change = OWN_OR_MANAGED, remove = change, actions = {} } = rights;
  if (verb in actions) return actions[verb]!;
  return verb === 'get' || verb === 'list' ? see : verb === 'remove' ? remove : change;
}

/** Whether the caller may do it with every row, also those of other users. */
export const mayAll = (who: readonly Who[], principal: Pick<Principal, 'roles'>): boolean =>
  who.includes('everyone') || (who.includes('managers') && isManager(principal));
