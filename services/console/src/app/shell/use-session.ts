import { useQuery } from '@tanstack/react-query';
import { isManager, sessionQuery, type Session } from '../../api/session';

/** Who is signed in, on screens of the shell, where somebody always is. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error('no session');
  return data;
}

/** Whether the user is an owner or admin. */
export const useIsManager = (): boolean => isManager(useSession().user);
