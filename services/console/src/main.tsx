import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from './api/query-client';
import { sessionQuery } from './api/session';
import { router } from './app/router';
import { applyTheme } from './app/theme';

applyTheme();
// While the first screen is loaded.
void queryClient.prefetchQuery(sessionQuery);
// A release has replaced the files that this page was loaded with.
window.addEventListener('vite:preloadError', () => window.location.reload());

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
