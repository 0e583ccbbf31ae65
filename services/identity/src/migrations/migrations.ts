import { outboxTable } from '#libs/outbox';
import { domainTypes, foldCaseFunction, type Migrations } from '#libs/database';
import { engineTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { accountsAndUsers } from './0010-accounts-and-users.js';
import { sessionsAndTokens } from './0011-sessions-and-tokens.js';
import { auditTrail } from './0012-audit.js';
import { departures } from './0013-departures.js';
import { scheduledDepartures } from './0014-scheduled-departures.js';
import { bulkDepartures } from './0015-bulk-departures.js';
import { handovers } from './0016-handovers.js';
import { scim } from './0020-scim.js';
import { addressDigests } from './0022-address-digests.js';
import { joiningServices } from './0030-joining-services.js';
import { departureNews } from './0031-departure-news.js';
import { openDepartures } from './0040-open-departures.js';
import { catchingUp } from './0041-catching-up.js';
import { nextSigningKey } from './0042-next-signing-key.js';
import { progressRuns } from './0043-progress-runs.js';
import { teamUpdatedAt } from './0044-team-updated-at.js';
import { departureSequences } from './0045-departure-sequences.js';
import { leftAs } from './0046-left-as.js';
import { actingForLeavers } from './0050-acting-for-leavers.js';
import { userStreams } from './0051-user-streams.js';
import { serviceFailures } from './0052-service-failures.js';
import { retiredServices } from './0053-retired-services.js';
import { foldedCase } from './0060-folded-case.js';
import { composedIdentifiers } from './0061-composed-identifiers.js';
import { formerIdentifiers } from './0062-former-identifiers.js';
import { transferredDepartures, transferredDeparturesValid } from './0064-transferred.js';
import { credentials } from './0070-credentials.js';
import { droppedRules } from './0080-dropped-rules.js';
import { sessionEnds } from './0085-session-ends.js';
import { verifiedAddresses } from './0090-verified-addresses.js';
import { mailBudgets } from './0091-mail-budgets.js';
import { appendOnlyAudit } from './0095-append-only-audit.js';
import { publishedHeads } from './0096-published-heads.js';
import { auditWindows } from './0097-audit-windows.js';
import { keyPurposes } from './0098-key-purposes.js';
import { withdrawnKeys } from './0099-withdrawn-keys.js';
import { certificateLog } from './0100-certificate-log.js';
import { suspensions } from './0102-suspensions.js';
import { lists } from './0103-lists.js';
import { departureDrafts } from './0104-departure-drafts.js';
import { rowsOfAccounts } from './0110-rows-of-accounts.js';
import { eraseAfter } from './0116-erase-after.js';
import { erasureNotices } from './0117-erasure-notices.js';
import { bulkDryRuns } from './0118-bulk-dry-runs.js';
import { managers } from './0120-managers.js';
import { approvals, approvalsValid } from './0122-approvals.js';
import { reassignedDepartures, reassignedDeparturesValid } from './0124-reassigned.js';
import { userExports } from './0126-user-exports.js';
import { bulkTelling } from './0128-bulk-telling.js';
import { autoReplies } from './0129-auto-replies.js';
import { mailOutbox } from './0130-mail-outbox.js';
import { departureMails } from './0131-departure-mails.js';
import { browserSessions } from './0134-browser-sessions.js';
import { singleSignOn } from './0140-single-sign-on.js';
import { ssoSessions } from './0141-sso-sessions.js';
import { enforcedSso } from './0142-enforced-sso.js';
import { providerTokens } from './0143-provider-tokens.js';
import { signInMethods } from './0150-sign-in-methods.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  domainTypes,
  ...platformMigrations,
  outboxTable,
  ...engineTables,
  accountsAndUsers,
  sessionsAndTokens,
  auditTrail,
  departures,
  scheduledDepartures,
  bulkDepartures,
  handovers,
  scim,
  addressDigests,
  joiningServices,
  departureNews,
  openDepartures,
  catchingUp,
  nextSigningKey,
  progressRuns,
  teamUpdatedAt,
  departureSequences,
  leftAs,
  actingForLeavers,
  userStreams,
  serviceFailures,
  retiredServices,
  foldCaseFunction,
  foldedCase,
  composedIdentifiers,
  formerIdentifiers,
  transferredDepartures,
  transferredDeparturesValid,
  credentials,
  droppedRules,
  sessionEnds,
  verifiedAddresses,
  mailBudgets,
  appendOnlyAudit,
  publishedHeads,
  auditWindows,
  keyPurposes,
  withdrawnKeys,
  certificateLog,
  suspensions,
  lists,
  departureDrafts,
  rowsOfAccounts,
  eraseAfter,
  erasureNotices,
  bulkDryRuns,
  managers,
  approvals,
  approvalsValid,
  reassignedDepartures,
  reassignedDeparturesValid,
  userExports,
  bulkTelling,
  autoReplies,
  mailOutbox,
  departureMails,
  browserSessions,
  singleSignOn,
  ssoSessions,
  enforcedSso,
  providerTokens,
  signInMethods,
];
