import type {
  ContactsTold,
  ContactToCall,
  HandoverCheck,
  HandoverPart,
  HandoverReport,
  UserView,
} from '#libs/contracts';
import { csvLine } from '#libs/csv';

const COLUMNS = [
  'receiverId',
  'receiver',
  'kind',
  'service',
  'rule',
  'part',
  'label',
  'transition',
  'affected',
  'dueAt',
  'code',
  'contactId',
  'name',
  'phone',
  'lastMessageAt',
] as const;

const TOLD = ['total', 'sent', 'failed', 'cancelled'] as const satisfies readonly (keyof ContactsTold)[];

type Row = Partial<Record<(typeof COLUMNS)[number], string | number | null>>;

/**
 * One line for each received rule (`received`), check (its kind) and contact (`contact`), and one for each count of the texts to
 * contacts (`told`): `label` names the count, `affected` is the number of contacts.
 */
export function handoverCsv({ parts, checks = [], contacts = [], contactsTold }: HandoverReport): string {
  const told = contactsTold ? toldRows(contactsTold) : [];
  const rows = [...parts.flatMap(rowsOf), ...checks.map(checkRow), ...contacts.map(contactRow), ...told];
  return [csvLine(COLUMNS), ...rows.map(lineOf)].join('');
}

const rowsOf = ({ receiver, received, checks, contacts }: HandoverPart): Row[] =>
  [
    ...received.map((rows) => ({ ...rows, kind: 'received' })),
    ...checks.map(checkRow),
    ...contacts.map(contactRow),
  ].map((row) => ({ ...receiverOf(receiver), ...row }));

const receiverOf = ({ id, name }: UserView): Row => ({ receiverId: id, receiver: name });
const checkRow = (check: HandoverCheck): Row => ({ ...check });
const contactRow = (contact: ContactToCall): Row => ({ ...contact, kind: 'contact' });
const toldRows = (counts: ContactsTold): Row[] =>
  TOLD.map((label) => ({ kind: 'told', service: 'messaging', label, affected: counts[label] }));
const lineOf = (row: Row): string => csvLine(COLUMNS.map((column) => String(row[column] ?? '')));
