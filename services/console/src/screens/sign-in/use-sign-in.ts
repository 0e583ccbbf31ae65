import { useMutation, useQueryClient } from '@tanstack/react-query';
import { sessionQuery, signIn, type Credentials } from '../../api/session';

/** Signs in. The screen then goes where the user wanted to go. */
export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (credentials: Credentials) => signIn(credentials),
    onSuccess: (session) => {
      // What another user has seen on this page.
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export type SigningIn = ReturnType<typeof useSignIn>;
