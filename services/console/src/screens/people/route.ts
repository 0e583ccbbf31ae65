import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/routes';
import { oneOf } from '../../app/search-params';
import { ROLES, SORTS, TABS, type PeopleSearch } from './search';

export const peopleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/people',
  validateSearch: (search: Record<string, unknown>): PeopleSearch => ({
    tab: oneOf(search.tab, TABS),
    q: typeof search.q === 'string' && search.q !== '' ? search.q : undefined,
    role: oneOf(search.role, ROLES),
    sort: oneOf(search.sort, SORTS),
  }),
  component: lazyRouteComponent(() => import('./people-screen'), 'PeopleScreen'),
});
