import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, bodyOf, type Schemas } from '../../api/client';
import type { PeopleSearch, Tab } from './search';

export type Person = Schemas['ListedUser'];
export type Departure = Schemas['DepartureSummary'];

const PAGE = 200;

type UserFilters = NonNullable<Parameters<typeof filtersOf>[0]>;

/** What the API is asked for in each list of people. */
function filtersOf(tab: Exclude<Tab, 'leaving'>) {
  switch (tab) {
    case 'active':
      return { status: 'active', invited: false } as const;
    case 'invited':
      return { status: 'active', invited: true } as const;
    case 'left':
      return { status: 'deactivated' } as const;
    case 'deleted':
      return { status: 'deleted' } as const;
  }
}

export const peopleQuery = (tab: UserFilters, { q, role, sort = 'name' }: PeopleSearch) =>
  infiniteQueryOptions({
    queryKey: ['users', 'list', tab, q, role, sort],
    queryFn: ({ pageParam: cursor, signal }) => {
      const order = sort === 'name' ? ({ sort: 'name' } as const) : {};
      const query = { ...filtersOf(tab), ...order, q, role, cursor, limit: PAGE };
      return bodyOf(api.GET('/v1/users', { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    // What another list showed stays until the new one is there.
    placeholderData: (before, query) => (query?.queryKey[2] === tab ? before : undefined),
  });

/** Departures that have not begun: scheduled ones, returns among them, and those that await an approval. */
export const leavingQuery = (q: string | undefined) =>
  queryOptions({
    queryKey: ['departures', 'leaving', q],
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(
        (['awaiting-approval', 'scheduled'] as const).map((status) =>
          bodyOf(
            api.GET('/v1/departures', { params: { query: { status, q, sort: 'effectiveAt', limit: PAGE } }, signal }),
          ),
        ),
      );
      return lists.flatMap(({ items }) => items);
    },
    placeholderData: (before) => before,
  });

export const teamsQuery = queryOptions({
  queryKey: ['teams'],
  queryFn: async ({ signal }) =>
    (await bodyOf(api.GET('/v1/teams', { params: { query: { limit: PAGE } }, signal }))).items,
  staleTime: 60_000,
});

/** How many people each list has. */
export const countsQuery = queryOptions({
  queryKey: ['users', 'counts'],
  queryFn: async ({ signal }): Promise<Record<Tab, number>> => {
    const {
      active,
      invited,
      leaving,
      deactivated: left,
      deleted,
    } = await bodyOf(api.GET('/v1/users/counts', { signal }));
    return { active, invited, leaving, left, deleted };
  },
});
