import { QueryClient } from '@tanstack/react-query';
import { isProblem } from './problem';

/** Refusals are answers; only what may pass by itself is tried again. */
const PASSING = ['offline', 'service-unavailable'] as const;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && isProblem(error, ...PASSING),
      retryDelay: (failures) => 400 * 2 ** failures,
    },
    mutations: { retry: false },
  },
});
