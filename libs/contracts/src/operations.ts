import * as contacts from './contacts/contacts.js';
import * as contactsImport from './contacts/imports.js';
import * as segments from './contacts/segments.js';
import * as departureEvents from './departure-events.js';
import * as accounts from './identity/accounts.js';
import * as audit from './identity/audit.js';
import * as auth from './identity/auth.js';
import * as departures from './identity/departures.js';
import * as policy from './identity/policy.js';
import * as teams from './identity/teams.js';
import * as users from './identity/users.js';
import * as dashboards from './insights/dashboards.js';
import * as automationRuns from './automations/automation-runs.js';
import * as automations from './automations/automations.js';
import * as conversations from './messaging/conversations.js';
import * as inboxes from './messaging/inboxes.js';
import * as internalNotes from './messaging/internal-notes.js';
import * as liveChats from './messaging/live-chats.js';
import * as numbers from './telephony/numbers.js';
import * as calls from './telephony/calls.js';
import * as apps from './integrations/apps.js';
import * as webhooks from './integrations/webhooks.js';
import type { Operation } from './operation.js';

/** One line per file that declares operations; what is missing here is not offered. */
const DECLARED_IN: readonly object[] = [
  accounts,
  auth,
  users,
  teams,
  policy,
  departures,
  audit,
  departureEvents,
  contacts,
  contactsImport,
  segments,
  inboxes,
  conversations,
  liveChats,
  internalNotes,
  automations,
  automationRuns,
  dashboards,
  numbers,
  calls,
  apps,
  webhooks,
];

/** Every operation of the API, in the order of its declaration. */
export const ALL_OPERATIONS: readonly Operation[] = DECLARED_IN.flatMap((module) => Object.values(module)).flatMap(
  operationsIn,
);

/** An export may be an operation, or a group of them as `resource` makes it; anything else is none of ours. */
function operationsIn(exported: unknown): Operation[] {
  if (typeof exported !== 'object' || exported === null) return [];
  return isOperation(exported) ? [exported] : Object.values(exported).filter(isOperation);
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'subject' in value && 'path' in value && 'method' in value;
}
