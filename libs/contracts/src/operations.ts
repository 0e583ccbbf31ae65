import * as contactsImport from './contacts-import.js';
import * as departureEvents from './departure-events.js';
import * as accounts from './identity/accounts.js';
import * as audit from './identity/audit.js';
import * as auth from './identity/auth.js';
import * as teams from './identity/teams.js';
import * as users from './identity/users.js';
import * as dashboards from './insights/dashboards.js';
import type { Operation } from './operation.js';

/** One line per file that declares operations; what is missing here is not offered. */
const DECLARED_IN: readonly object[] = [
  accounts,
  auth,
  users,
  teams,
  audit,
  departureEvents,
  contactsImport,
  dashboards,
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
