import { useQuery } from '@tanstack/react-query';
import { Chip } from '../../components/chip';
import { DataTable, type Column } from '../../components/table/data-table';
import { Moment } from '../../components/moment';
import { ProblemNotice } from '../../components/problem-notice';
import { people as texts } from '../../texts/people';
import { Foot } from './foot';
import { Nobody } from './nobody';
import { PersonCell } from './person-cell';
import { leavingQuery, type Departure } from './queries';

/** Departures that have not begun yet, by day. */
export function LeavingTable({ q }: { q?: string }) {
  const { data: rows = [], error, isPending, refetch } = useQuery(leavingQuery(q));
  if (error && rows.length === 0)
    return <ProblemNotice error={error} title={texts.failed} onRetry={() => void refetch()} />;
  if (!isPending && rows.length === 0) return <Nobody tab="leaving" search={{ q }} />;
  return (
    <DataTable
      caption={texts.caption.leaving}
      className="people"
      columns={COLUMNS}
      rows={rows}
      keyOf={({ id }) => id}
      isLoading={isPending}
      foot={<Foot count={rows.length} isComplete={!isPending} />}
    />
  );
}

const COLUMNS: readonly Column<Departure>[] = [
  {
    id: 'name',
    title: texts.columns.name,
    kind: 'head',
    width: 'col-name',
    cell: ({ user }) => <PersonCell person={user} />,
  },
  {
    id: 'what',
    title: texts.columns.what,
    width: 'col-what',
    cell: ({ transition }) => isDeparture(transition) && texts.transitions[transition],
  },
  { id: 'state', title: texts.columns.notable, narrow: 'wide', cell: (departure) => <State departure={departure} /> },
  {
    id: 'when',
    title: texts.columns.when,
    kind: 'num',
    width: 'col-moment',
    cell: ({ effectiveAt }) => <Moment at={effectiveAt} />,
  },
];

const isDeparture = (transition: string): transition is keyof typeof texts.transitions =>
  Object.hasOwn(texts.transitions, transition);

function State({ departure: { status, transition } }: { departure: Departure }) {
  if (status === 'awaiting-approval')
    return (
      <Chip icon="clock" tone="warn">
        {texts.states[status]}
      </Chip>
    );
  if (transition === 'reactivated') return <Chip icon="undo">{texts.states.onLeave}</Chip>;
  return <Chip icon="calendar">{texts.states.scheduled}</Chip>;
}
