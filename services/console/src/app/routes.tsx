import { createRootRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { queryClient } from '../api/query-client';
import { sessionQuery } from '../api/session';
import { Broken } from './broken';
import { Missing } from './missing';
import { Root } from './root';
import { Shell } from './shell/shell';
import { ShellSkeleton } from './shell/shell-skeleton';

export const rootRoute = createRootRoute({ component: Root, errorComponent: Broken, notFoundComponent: Missing });

/** The frame of everything that needs a session. Screens are its children: `getParentRoute: () => shellRoute`. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  pendingComponent: ShellSkeleton,
  errorComponent: Broken,
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (!session) {
      const to = location.href === '/' ? undefined : location.href;
      throw redirect({ to: '/sign-in', search: { to }, replace: true });
    }
  },
});

export const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/people', replace: true });
  },
});

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: ({ to }: Record<string, unknown>): { to?: string } => ({ to: ownAddress(to) }),
  component: lazyRouteComponent(() => import('../screens/sign-in/sign-in-screen'), 'SignInScreen'),
});

/** An address of the console; a link must not lead elsewhere after a sign-in. */
const ownAddress = (to: unknown): string | undefined =>
  typeof to === 'string' && /^\/(?![/\\])/.test(to) ? to : undefined;
