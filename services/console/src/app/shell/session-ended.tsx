import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { whenSessionEnds } from '../../api/client';
import { isProblem } from '../../api/problem';
import { accountQuery, sessionQuery, signIn } from '../../api/session';
import { Dialog } from '../../components/dialog';
import { Field } from '../../components/fields/field';
import { problemText } from '../../components/problem-notice';
import { app } from '../../texts/app';
import { signIn as signInTexts } from '../../texts/sign-in';
import { useSession } from './use-session';

/** Asks for the password over the screen when the session has ended, so that the choices on the screen are kept. */
export function SessionEnded() {
  const [hasEnded, setHasEnded] = useState(false);
  useEffect(() => {
    whenSessionEnds(() => setHasEnded(true));
    return () => whenSessionEnds(() => undefined);
  }, []);
  return hasEnded && <SignInAgain onDone={() => setHasEnded(false)} />;
}

function SignInAgain({ onDone }: { onDone: () => void }) {
  const { user } = useSession();
  const queries = useQueryClient();
  const [password, setPassword] = useState('');
  const again = useMutation({
    mutationFn: () =>
      signIn({
        email: user.email ?? '',
        password,
        // The same person may belong to several accounts.
        accountId: queries.getQueryData(accountQuery.queryKey)?.id,
      }),
    onSuccess: async (session) => {
      if (session.user.id !== user.id) return window.location.assign('/');
      queries.setQueryData(sessionQuery.queryKey, session);
      onDone();
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    again.mutate();
  };
  const problem =
    again.error && (isProblem(again.error, 'invalid-credentials') ? signInTexts.wrong : problemText(again.error));
  return (
    <Dialog title={app.sessionEnded.title}>
      <form onSubmit={submit}>
        <p>{app.sessionEnded.about}</p>
        <Field label={app.sessionEnded.email} type="email" value={user.email ?? ''} readOnly autoComplete="username" />
        <Field
          label={app.sessionEnded.password}
          type="password"
          autoComplete="current-password"
          data-autofocus
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          problem={problem || undefined}
        />
        <button className="btn primary block" type="submit" disabled={again.isPending}>
          {app.sessionEnded.submit}
        </button>
      </form>
    </Dialog>
  );
}
