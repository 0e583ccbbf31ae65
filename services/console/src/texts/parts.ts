import { textsOf } from './language';

/** Kinds of rows that a rule covers, in the words of the rules. */
const parts = textsOf({
  about: 'about them',
  activity: 'activities',
  bulk: 'in lists',
  by: 'by them',
  calendar: 'calendar',
  comment: 'comments',
  contact: 'contacts',
  conversations: 'conversations',
  deal: 'deals',
  departures: 'departures',
  drive: 'drive',
  email: 'email',
  file: 'files',
  goals: 'goals',
  lead: 'leads',
  messages: 'messages',
  note: 'notes',
  of: 'of them',
  product: 'products',
  project: 'projects',
  reports: 'reports',
  'reports-to-read': 'reports to read',
  roles: 'roles',
  task: 'tasks',
  teams: 'teams',
});

/** Parts of other teams' rules are shown as they are called. */
export const partName = (part: string | undefined): string =>
  part !== undefined && Object.hasOwn(parts, part) ? parts[part as keyof typeof parts] : (part ?? '');
