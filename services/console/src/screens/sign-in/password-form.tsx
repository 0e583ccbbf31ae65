import { useEffect, useRef, useState, type FormEvent } from 'react';
import { isProblem } from '../../api/problem';
import { Callout } from '../../components/callout';
import { Field } from '../../components/fields/field';
import { ProblemNotice } from '../../components/problem-notice';
import { signIn as texts } from '../../texts/sign-in';
import type { SigningIn } from './use-sign-in';

interface Missing {
  email?: string;
  password?: string;
}

export function PasswordForm({ signingIn }: { signingIn: SigningIn }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [accountId, setAccountId] = useState('');
  const [isShown, setIsShown] = useState(false);
  const [missing, setMissing] = useState<Missing>({});
  const form = useRef<HTMLFormElement>(null);
  const { error, isPending } = signingIn;
  const isWrong = isProblem(error, 'invalid-credentials');
  const needsAccount = isProblem(error, 'validation') && error.about('accountId') !== undefined;

  // The first field that needs another value.
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>('[aria-invalid="true"]')?.focus();
  }, [error, missing]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = {
      ...(email.trim() === '' && { email: texts.missingEmail }),
      ...(password === '' && { password: texts.missingPassword }),
    };
    setMissing(next);
    if (Object.keys(next).length > 0) return;
    signingIn.mutate({ email: email.trim(), password, ...(accountId && { accountId: accountId.trim() }) });
  };

  return (
    <form ref={form} onSubmit={submit} noValidate>
      <SignInProblem error={error} />
      <Field
        label={texts.email}
        type="email"
        className="input tall"
        autoComplete="username webauthn"
        autoFocus
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        problem={missing.email}
      />
      <Field
        label={texts.password}
        type={isShown ? 'text' : 'password'}
        className="input tall"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        problem={missing.password ?? (isWrong ? texts.wrong : undefined)}
        aside={
          <button className="text-btn" type="button" aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
            {isShown ? texts.hide : texts.show}
            <span className="sr"> {texts.password}</span>
          </button>
        }
      />
      {(needsAccount || accountId !== '') && (
        <Field
          label={texts.accountId}
          className="input tall"
          autoComplete="off"
          value={accountId}
          onChange={(event) => setAccountId(event.target.value)}
          problem={needsAccount ? texts.several : undefined}
        />
      )}
      <button className="btn primary block tall" type="submit" aria-disabled={isPending}>
        {isPending ? texts.busy : texts.submit}
      </button>
    </form>
  );
}

/** What is not about one of the fields. */
function SignInProblem({ error }: { error: unknown }) {
  if (!error || isProblem(error, 'invalid-credentials')) return null;
  if (isProblem(error, 'validation') && error.about('accountId')) return null;
  if (isProblem(error, 'account-inactive')) return <Callout kind="stop" live children={texts.inactive} />;
  if (isProblem(error, 'too-many-requests'))
    return <Callout kind="stop" live children={texts.limited(error.retryAfter)} />;
  return <ProblemNotice error={error} />;
}
