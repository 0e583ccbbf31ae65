import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { isProblem } from '../../api/problem';
import { requestOf, type Choices, type Line } from './plan/choices';

export const userQuery = (id: string) =>
  queryOptions({
    queryKey: ['users', 'one', id],
    queryFn: ({ signal }) => bodyOf(api.GET('/v1/users/{id}', { params: { path: { id } }, signal })),
    staleTime: 30_000,
  });

/** The choices that have been kept; null without any. Read once: from then on the page has them. */
export const draftQuery = (id: string) =>
  queryOptions({
    queryKey: ['departure-draft', id],
    queryFn: async ({ signal }) => {
      try {
        return await bodyOf(api.GET('/v1/users/{id}/departure-draft', { params: { path: { id } }, signal }));
      } catch (error) {
        if (isProblem(error, 'not-found')) return null;
        throw error;
      }
    },
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

/** What would happen with these choices. */
export const previewQuery = (id: string, choices: Choices) => {
  const { reason: _reason, ...body } = requestOf(choices);
  return queryOptions({
    queryKey: ['departure-preview', id, body],
    queryFn: ({ signal }) =>
      bodyOf(api.POST('/v1/users/{id}/departure-preview', { params: { path: { id } }, body, signal })),
    staleTime: 10_000,
    // The counts of the former choices stay until the new ones are there.
    placeholderData: keepPreviousData,
  });
};

/** The rows behind a count. */
export const rowsQuery = (
  id: string,
  { rule, part, action, scope, transition: lineTransition }: Line,
  of: Choices['transition'],
) => {
  const query = { rule, part, scope, lineTransition, transition: of, limit: 50 };
  return infiniteQueryOptions({
    queryKey: ['departure-preview', id, 'rows', query, action],
    queryFn: ({ pageParam: cursor, signal }) => {
      const given = {
        ...query,
        cursor,
        action: action === 'restore' ? undefined : action,
        lineTransition: lineTransition === 'deleted' || lineTransition === 'deactivated' ? lineTransition : undefined,
      };
      return bodyOf(
        api.GET('/v1/users/{id}/departure-preview/rows', { params: { path: { id }, query: given }, signal }),
      );
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
};

export const saveDraft = (id: string, choices: Choices) => {
  const { effectiveAt, returnAt, ...rest } = requestOf(choices);
  return api.PUT('/v1/users/{id}/departure-draft', {
    params: { path: { id } },
    body: { ...rest, ...(effectiveAt && { effectiveAt }), ...(returnAt && { returnAt }) },
  });
};

export interface Decision {
  choices: Choices;
  planToken?: string;
  acceptUncounted: boolean;
  /** The same for every attempt, so that a lost answer never causes a second departure. */
  key: string;
}

export const decide = (id: string, { choices, planToken, acceptUncounted, key }: Decision) => {
  const { transition, ...request } = requestOf(choices);
  const options = {
    params: { path: { id }, header: { 'Idempotency-Key': key } },
    body: { ...request, planToken, ...(acceptUncounted && { acceptUncounted }) },
  };
  return transition === 'deleted'
    ? bodyOf(api.POST('/v1/users/{id}/delete', options))
    : bodyOf(api.POST('/v1/users/{id}/deactivate', options));
};

export const suspend = (id: string) => bodyOf(api.POST('/v1/users/{id}/suspend', { params: { path: { id } } }));
