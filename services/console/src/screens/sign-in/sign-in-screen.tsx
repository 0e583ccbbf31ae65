import { useQuery } from '@tanstack/react-query';
import { Navigate, useSearch } from '@tanstack/react-router';
import { useTitle } from '../../app/use-title';
import { Icon } from '../../components/icon';
import { sessionQuery } from '../../api/session';
import { signIn as texts } from '../../texts/sign-in';
import { DemoAccounts } from './demo-accounts';
import { PasswordForm } from './password-form';
import { useSignIn } from './use-sign-in';
import './sign-in.css';

export function SignInScreen() {
  useTitle(texts.title);
  const { to = '/' } = useSearch({ from: '/sign-in' });
  const { data: session } = useQuery(sessionQuery);
  const signingIn = useSignIn();
  if (session) return <Navigate to={to} replace />;
  return (
    <div className="sign-in">
      <header>
        <span className="brand">
          <Icon name="brand" />
          Leaver
        </span>
      </header>
      <main id="content">
        <h1>{texts.title}</h1>
        <PasswordForm signingIn={signingIn} />
        <DemoAccounts signingIn={signingIn} />
      </main>
      <footer>{texts.invited}</footer>
    </div>
  );
}
