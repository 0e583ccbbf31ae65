import * as contacts from './contacts/contacts.js';
import * as contactsImport from './contacts/imports.js';
import * as importSources from './contacts/import-sources.js';
import * as segments from './contacts/segments.js';
import * as records from './contacts/records.js';
import * as filters from './contacts/filters.js';
import * as writings from './contacts/writings.js';
import * as departureEvents from './departure-events.js';
import * as accounts from './identity/accounts.js';
import * as audit from './identity/audit.js';
import * as auth from './identity/auth.js';
import * as bulk from './identity/bulk.js';
import * as certificate from './identity/certificate.js';
import * as departurePreviews from './identity/departure-previews.js';
import * as departures from './identity/departures.js';
import * as handovers from './identity/handovers.js';
import * as policy from './identity/policy.js';
import * as scimTokens from './identity/scim.js';
import * as teams from './identity/teams.js';
import * as users from './identity/users.js';
import * as verifications from './identity/verifications.js';
import * as dashboards from './insights/dashboards.js';
import * as goals from './insights/goals.js';
import * as insightFilters from './insights/insight-filters.js';
import * as reports from './insights/reports.js';
import * as automationRuns from './automations/automation-runs.js';
import * as automations from './automations/automations.js';
import * as assignmentRules from './automations/assignment-rules.js';
import * as conversations from './messaging/conversations.js';
import * as inboxes from './messaging/inboxes.js';
import * as internalNotes from './messaging/internal-notes.js';
import * as liveChats from './messaging/live-chats.js';
import * as messages from './messaging/messages.js';
import * as scheduledMessages from './messaging/scheduled-messages.js';
import * as campaigns from './messaging/campaigns.js';
import * as messageActivity from './messaging/activity.js';
import * as chatbots from './messaging/chatbots.js';
import * as csat from './messaging/csat.js';
import * as emailTemplates from './messaging/email-templates.js';
import * as emails from './messaging/emails.js';
import * as webforms from './messaging/webforms.js';
import * as numbers from './telephony/numbers.js';
import * as numberContacts from './telephony/number-contacts.js';
import * as calls from './telephony/calls.js';
import * as callbacks from './telephony/callbacks.js';
import * as apps from './integrations/apps.js';
import * as webhooks from './integrations/webhooks.js';
import * as accountSyncs from './integrations/account-syncs.js';
import * as schedulerLinks from './integrations/scheduler-links.js';
import * as storageConnections from './integrations/storage-connections.js';
import * as documents from './integrations/documents.js';
import * as documentTemplates from './integrations/document-templates.js';
import * as signatures from './integrations/signatures.js';
import * as invoices from './integrations/invoices.js';
import type { Operation } from './operation.js';

/** Every file that declares operations. The gateway does not serve the operations of other files. */
const DECLARED_IN: readonly object[] = [
  accounts,
  auth,
  users,
  teams,
  scimTokens,
  policy,
  departurePreviews,
  departures,
  handovers,
  bulk,
  certificate,
  verifications,
  audit,
  departureEvents,
  contacts,
  contactsImport,
  importSources,
  segments,
  records,
  filters,
  writings,
  inboxes,
  conversations,
  liveChats,
  chatbots,
  webforms,
  emailTemplates,
  emails,
  internalNotes,
  messages,
  scheduledMessages,
  campaigns,
  messageActivity,
  csat,
  automations,
  automationRuns,
  assignmentRules,
  dashboards,
  reports,
  goals,
  insightFilters,
  numbers,
  numberContacts,
  calls,
  callbacks,
  apps,
  webhooks,
  accountSyncs,
  schedulerLinks,
  storageConnections,
  documents,
  documentTemplates,
  signatures,
  invoices,
];

/** Every operation of the API, in the order of its declaration. */
export const ALL_OPERATIONS: readonly Operation[] = DECLARED_IN.flatMap((module) => Object.values(module)).flatMap(
  operationsIn,
);

/** An export may be an operation or a group of operations as `resource` returns it. Other exports are ignored. */
function operationsIn(exported: unknown): Operation[] {
  if (typeof exported !== 'object' || exported === null) return [];
  return isOperation(exported) ? [exported] : Object.values(exported).filter(isOperation);
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'subject' in value && 'path' in value && 'method' in value;
}
