import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/routes';
import { oneOf } from '../../app/search-params';
import { STEPS, type LeaveSearch } from './search';

export const leaveRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/people/$userId/leave',
  validateSearch: ({ step }: Record<string, unknown>): LeaveSearch => ({ step: oneOf(step, STEPS) }),
  component: lazyRouteComponent(() => import('./leave-screen'), 'LeaveScreen'),
});
