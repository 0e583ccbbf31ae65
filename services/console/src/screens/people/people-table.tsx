import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { Link } from '@tanstack/react-router';
import { isManager as isManagerOf } from '../../api/session';
import { useSession } from '../../app/shell/use-session';
import { Chip } from '../../components/chip';
import { DataTable, type Column } from '../../components/table/data-table';
import { Moment } from '../../components/moment';
import { ProblemNotice } from '../../components/problem-notice';
import { app } from '../../texts/app';
import { list } from '../../texts/numbers';
import { people as texts } from '../../texts/people';
import { Foot } from './foot';
import { Nobody } from './nobody';
import { PersonCell } from './person-cell';
import { peopleQuery, teamsQuery, type Person } from './queries';
import { ROLES, type PeopleSearch, type Tab } from './search';

interface PeopleTableProps {
  tab: Exclude<Tab, 'leaving'>;
  search: PeopleSearch;
}

export function PeopleTable({ tab, search }: PeopleTableProps) {
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    peopleQuery(tab, search),
  );
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const columns = useColumns(tab);
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (error && rows.length === 0)
    return <ProblemNotice error={error} title={texts.failed} onRetry={() => void refetch()} />;
  if (!isPending && rows.length === 0) return <Nobody tab={tab} search={search} />;
  return (
    <DataTable
      caption={texts.caption[tab]}
      className="people"
      columns={columns}
      rows={rows}
      keyOf={({ id }) => id}
      isLoading={isPending}
      onEnd={onEnd}
      foot={<Foot count={rows.length} isComplete={!hasNextPage && !isPending} />}
    />
  );
}

function useColumns(tab: PeopleTableProps['tab']): readonly Column<Person>[] {
  const { data: teams } = useQuery(teamsQuery);
  const { user: me } = useSession();
  return useMemo(() => {
    const nameOf = new Map(teams?.map(({ id, name }) => [id, name]));
    const name: Column<Person> = {
      id: 'name',
      title: texts.columns.name,
      kind: 'head',
      width: 'col-name',
      cell: (person) => <PersonCell person={person} />,
    };
    if (tab === 'deleted') return [name, dayColumn('deletedAt')];
    const about: Column<Person>[] = [
      name,
      { id: 'staffId', title: texts.columns.staffId, width: 'col-id', cell: ({ staffId }) => <StaffId id={staffId} /> },
      { id: 'role', title: texts.columns.role, width: 'col-role', narrow: 'drop', cell: roleOf },
      {
        id: 'teams',
        title: texts.columns.teams,
        narrow: 'drop',
        cell: ({ teamIds }) => list(teamIds.flatMap((id) => nameOf.get(id) ?? [])),
      },
      {
        id: 'notable',
        title: texts.columns.notable,
        narrow: 'wide',
        cell: (person) => <Notable person={person} isMe={person.id === me.id} />,
      },
    ];
    if (tab === 'active' && isManagerOf(me)) return [...about, LEAVE];
    return tab === 'left' ? [...about, dayColumn('deactivatedAt')] : about;
  }, [tab, teams, me]);
}

/** The way into the wizard. */
const LEAVE: Column<Person> = {
  id: 'leave',
  title: texts.columns.leave,
  kind: 'num',
  width: 'col-leave',
  cell: ({ id, name }) => (
    <Link className="btn quiet small" to="/people/$userId/leave" params={{ userId: id }} aria-label={texts.leave(name)}>
      {texts.columns.leave}
    </Link>
  ),
};

const dayColumn = (field: 'deactivatedAt' | 'deletedAt'): Column<Person> => ({
  id: field,
  title: texts.columns.left,
  kind: 'num',
  width: 'col-day',
  cell: (person) => person[field] && <Moment at={person[field]} only="day" />,
});

const StaffId = ({ id }: { id: string | null }) =>
  id ? (
    <span className="clip" title={id}>
      {id}
    </span>
  ) : null;

const roleOf = ({ roles }: Person): string => {
  const role = ROLES.find((one) => roles.includes(one));
  return role ? app.roles[role] : '';
};

function Notable({ person, isMe }: { person: Person; isMe: boolean }) {
  const { suspendedAt, legalHold, caretakerId } = person;
  if (!isMe && !suspendedAt && !legalHold && !caretakerId) return null;
  return (
    <span className="chips">
      {isMe && <Chip icon="contacts">{texts.chips.you}</Chip>}
      {suspendedAt && (
        <Chip icon="block" tone="warn">
          {texts.chips.suspended}
        </Chip>
      )}
      {legalHold && <Chip icon="hold">{texts.chips.hold}</Chip>}
      {caretakerId && <Chip icon="people">{texts.chips.caretaker}</Chip>}
    </span>
  );
}
