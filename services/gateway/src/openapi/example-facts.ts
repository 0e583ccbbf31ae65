import type { Schema } from '#libs/contracts';

/** Fields of an example by name; `undefined` leaves a field out. */
export type Facts = Readonly<Record<string, unknown>>;

export const EXAMPLE_ID = '019b3c5e-7a10-7c44-9d2e-5f60718293a4';
const BEFORE = '2026-03-02T08:59:00.000Z';
export const NOW = '2026-03-02T09:00:00.000Z';
const SOON = '2026-03-02T09:00:04.000Z';
const LATER = '2026-03-09T09:00:00.000Z';

/** Times that come after the others in the same object. */
export const TIMES: Readonly<Record<string, string>> = {
  lastUsedAt: SOON,
  lastRunAt: SOON,
  finishedAt: SOON,
  completedAt: SOON,
  issuedAt: LATER,
  expiresAt: LATER,
  returnAt: LATER,
  provenUntil: LATER,
  dueAt: LATER,
  releaseAt: LATER,
  requestedAt: BEFORE,
};

const active: Facts = {
  status: 'active',
  deactivatedAt: null,
  deletedAt: null,
  suspendedAt: null,
  legalHold: false,
  legalHoldReason: undefined,
  managerId: null,
  caretakerId: null,
  caretakerUntil: undefined,
};
const invitation: Facts = { status: 'open', user: { status: 'invited' } };
const departure: Facts = {
  status: 'completed',
  effectiveAt: NOW,
  ...notYetOrOther('returnAt', 'returnsFrom', 'inboxId', 'error', 'errorDetail', 'approval'),
  progress: { done: 7, total: 7 },
};
const imported: Facts = {
  status: 'completed',
  created: 2,
  updated: 1,
  assigned: 2,
  cleared: 0,
  rowsDone: 4,
  unmatchedTotal: 1,
  rejectedTotal: 1,
  error: null,
  source: null,
};

const proof: Facts = { password: 'correct horse battery', totp: undefined };
const signedIn: Facts = notYetOrOther('secondFactorMissing');
const app: Facts = { enabled: true, enabledAt: NOW, recoveryCodesLeft: 10 };

const PREVIEW = { possible: true, blockers: [], warnings: [], contactsToTellTotal: 1 };

/** For each schema: the fields that have to agree with each other, where their types alone allow a contradiction. */
export const FACTS: Readonly<Record<string, Facts>> = {
  Account: { name: 'Harbor & Pine', seats: { total: 10, used: 7, free: 3 } },
  AddedPasskey: { name: 'Phone', recoveryCodes: ['k3dm-7xpa-9rtz-c5wu'] },
  AccountSync: { stoppedAt: null },
  App: { uninstalledAt: null },
  Assignment: { reason: undefined },
  AuditEntry: { action: 'user.updated', system: null, tokenId: null, scrubbed: false },
  AuditVerification: { firstBroken: undefined, reason: undefined },
  AutomationRun: { reason: undefined },
  AutomationTrigger: { kind: 'selected' },
  BrowserSession: signedIn,
  BulkDeparture: {
    counts: { total: 3, waiting: 1, accepted: 1, refused: 1, completed: 1, failed: 0 },
    nextCursor: null,
    dryRun: undefined,
    expiresAt: undefined,
    totals: undefined,
    items: undefined,
    planToken: undefined,
    tellContacts: undefined,
    rows: [
      { row: 1, userId: EXAMPLE_ID, status: 'completed', departureId: EXAMPLE_ID },
      { row: 2, userId: null, status: 'refused', code: 'unknown-user', detail: 'Nobody has this staff id.' },
      { row: 3, userId: '019b3c5e-7a10-7c44-9d2e-5f60718293a5', status: 'waiting' },
    ],
  },
  BulkRequest: { users: [{ userId: EXAMPLE_ID }], csv: undefined, planToken: undefined },
  Campaign: { status: 'scheduled', at: LATER },
  ContactImport: {
    ...imported,
    unmatched: [{ row: 2, value: 'HP-999' }],
    rejected: [{ row: 4, reason: 'The row has no contact id.' }],
  },
  ContactImportSummary: imported,
  Approvals: { deleted: true, destructive: true, bulkAbove: 50, scim: 'wait', days: 7 },
  CertificateVerification: { valid: true, reason: undefined, keyWithdrawnFrom: undefined },
  ConfirmedTotp: { ...app, recoveryCodes: ['k3dm-7xpa-9rtz-c5wu'] },
  Departure: { ...departure, ...notYetOrOther('successors', 'overrides', 'restore', 'tellContacts') },
  DepartureSummary: departure,
  DepartureRule: {
    ...notYetOrOther('part', 'days', 'scope', 'notRestored', 'transferredTo', 'dueAt', 'heldAt', 'doneAt', 'warning'),
    action: 'unassign',
    remaining: 0,
  },
  DepartureService: { status: 'completed', error: undefined },
  DepartureServiceSummary: { status: 'completed', error: undefined },
  DeparturePreview: PREVIEW,
  ChoicesPreview: PREVIEW,
  PreviewRule: {
    ...notYetOrOther('part', 'days', 'scope', 'successorId', 'successorTeamId', 'notRestored', 'missing', 'warning'),
    ...{ action: 'unassign', policyAction: 'unassign', differsFromPolicy: false, allowed: ['keep', 'unassign'] },
  },
  CountedRow: { type: 'live-chat', label: 'Visitor on the pricing page', hidden: undefined },
  AffectedRows: { gone: 1, reason: undefined },
  ContactsTold: { total: 3, sent: 2, failed: 1, cancelled: 0 },
  CompletedDeparture: { affected: { messaging: 3, telephony: 1 } },
  Filter: { matchesNobody: false },
  FilterCondition: { field: 'name', value: 'Maya', user: null, matchesNobody: false },
  HandoverReport: { transition: 'deactivated', status: 'completed', checks: [], contacts: [] },
  HandoverPart: { affected: 2, checks: [] },
  HandedOverRows: { ...notYetOrOther('part'), transition: 'deactivated', affected: 2 },
  ImportSource: {
    kind: 'sftp',
    port: 22,
    everyMinutes: 60,
    offeredHostKey: null,
    lastResult: { imported: 1, failed: 0, waiting: 0 },
    lastError: null,
  },
  Inbox: { kind: 'shared', name: 'Support', ownerId: null, owner: null },
  InvitedUser: { ...active, status: 'invited', roles: ['agent'], lifecycleVersion: 1 },
  TransferredUser: { ...active, status: 'active', roles: ['agent'], lifecycleVersion: 3, invitation: undefined },
  ListedUser: { ...active, roles: ['agent'], ...notYetOrOther('leaving', 'holding') },
  Login: { ...proof, email: 'maya@example.com' },
  LiveChat: { status: 'open' },
  LiveChatOperator: { available: true, maxChats: 3, openChats: 1 },
  Me: active,
  Message: { direction: 'outbound', status: 'sent' },
  MessageActivity: { sent: 4, delivered: 3, replied: 1, deliveryRate: 0.75, replyRate: 0.25 },
  UserExport: { status: 'completed', missing: [], error: undefined },
  UserPage: { nextCursor: null, uncounted: undefined },
  UserActivity: { sent: 4, delivered: 3, replied: 1 },
  ComposedMessages: { total: 1, scheduled: [] },
  PhoneNumber: {
    kind: 'personal',
    state: 'assigned',
    quarantinedFromId: null,
    quarantinedFrom: null,
    releaseAt: null,
    inboxId: null,
    movedToId: null,
  },
  NewPasskey: { name: 'Phone' },
  NewTotp: {
    secret: 'JBSWY3DPEHPK3PXP',
    uri: 'otpauth://totp/Leaver:maya@example.com?issuer=Leaver&secret=JBSWY3DPEHPK3PXP',
  },
  OpenedAccount: signedIn,
  Passkey: { name: 'Phone' },
  PublicLink: { active: true },
  Reassignment: {
    transition: 'reassigned',
    ...notYetOrOther('dryRun', 'possible', 'blockers', 'rules', 'uncounted'),
  },
  ReassignmentRequest: { rules: ['insights.shared-dashboards'], dryRun: undefined },
  Receipt: { type: 'user.deactivated', seq: 4, lifecycleVersion: 3, round: 1, status: 'completed', error: undefined },
  ReceiptLine: {
    ...notYetOrOther(
      'part',
      'days',
      'scope',
      'to',
      'notRestored',
      'transferredTo',
      'dueAt',
      'heldAt',
      'doneAt',
      'warning',
    ),
    remaining: 0,
  },
  ResentInvitation: invitation,
  SentInvitation: invitation,
  ReceiptBatch: { service: 'messaging' },
  Report: { sharedWith: 'everyone', withdrawn: false },
  RoutedCall: { outcome: 'routed', leaverId: null, inboxId: null, movedTo: null },
  ScheduledMessage: { status: 'scheduled', at: LATER },
  SchedulerLink: { status: 'active', expiredAt: null },
  Session: { ip: '203.0.113.7', userAgent: 'Mozilla/5.0' },
  SignedIn: signedIn,
  StepUp: proof,
  Tokens: signedIn,
  Totp: app,
  TotpConfirmation: { code: '123456' },
  User: active,
  UserView: { status: 'active' },
  Verification: { status: 'completed', broken: [] },
  Webhook: { secret: undefined },
};

const running: Facts = {
  status: 'running',
  completedAt: null,
  progress: { done: 0, total: 7 },
  services: [{ service: 'messaging', status: 'pending', rules: [] }],
};
const uploading: Facts = { status: 'running', rowsDone: 4, finishedAt: null };

/** For each operation: what its answer has to be after the call. By status where there are several answers. */
export const ANSWERS: Readonly<Record<string, Facts>> = {
  'accounts.create': { user: { roles: ['owner'] } },
  'automations.deactivate': { active: false },
  'calls.outbound': { direction: 'outbound', outcome: 'placed' },
  'contact-imports.create 202': uploading,
  'departures.approve': { ...running, transition: 'deleted' },
  'departures.refuse': {
    ...{ status: 'cancelled', transition: 'deleted' },
    completedAt: null,
    progress: { done: 0, total: 0 },
    services: [],
  },
  'departures.cancel': {
    status: 'cancelled',
    effectiveAt: LATER,
    completedAt: null,
    progress: { done: 0, total: 7 },
    services: [],
  },
  'departures.retry': running,
  'departures.update': {
    status: 'scheduled',
    effectiveAt: LATER,
    completedAt: null,
    progress: { done: 0, total: 0 },
    services: [],
  },
  'live-chats.close': { status: 'closed' },
  'messages.delivery': { status: 'delivered' },
  'messages.inbound': { direction: 'inbound', status: 'received', sentBy: null },
  'numbers.release': { state: 'released', ownerId: null, owner: null, destinationUserId: null, destinationUser: null },
  'users.convert-to-shared-inbox': { ...running, transition: 'deleted', inboxId: EXAMPLE_ID },
  'users.deactivate': running,
  'users.delete': { ...running, transition: 'deleted' },
  'users.legal-hold.put': { legalHold: true, legalHoldReason: 'Smith v. Acme' },
  'users.caretaker.put': { caretakerId: EXAMPLE_ID, caretakerUntil: LATER },
  'users.reactivate': { ...running, transition: 'reactivated' },
  'users.remove': { ...running, transition: 'deleted' },
  'webhooks.create': { secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' },
};

function notYetOrOther(...names: string[]): Facts {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/** The example with these facts: objects are merged, everything else is replaced. */
export function withFacts(example: unknown, facts: Facts | undefined): unknown {
  if (!facts || !isObject(example)) return example;
  const merged = Object.entries(facts).map(([name, fact]) => [
    name,
    isObject(fact) && isObject(example[name]) ? withFacts(example[name], fact) : fact,
  ]);
  const all = { ...example, ...(Object.fromEntries(merged) as Facts) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
