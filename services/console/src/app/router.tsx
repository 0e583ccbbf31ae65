import { createRouter } from '@tanstack/react-router';
import { leaveRoute } from '../screens/leave/route';
import { peopleRoute } from '../screens/people/route';
import { homeRoute, rootRoute, shellRoute, signInRoute } from './routes';
import { parseSearch, stringifySearch } from './search-params';

/** Each screen has a route of its own in `screens/<name>/route.ts`; here they are put together. */
const routeTree = rootRoute.addChildren([homeRoute, signInRoute, shellRoute.addChildren([peopleRoute, leaveRoute])]);

export const router = createRouter({
  routeTree,
  parseSearch,
  stringifySearch,
  // Loading begins when the pointer is over a link.
  defaultPreload: 'intent',
  defaultPendingMs: 150,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
