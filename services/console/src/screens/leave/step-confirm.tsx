import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState, type FormEvent } from 'react';
import type { Schemas } from '../../api/client';
import { isProblem } from '../../api/problem';
import { Field } from '../../components/fields/field';
import { Icon } from '../../components/icon';
import { Moment } from '../../components/moment';
import { ProblemNotice } from '../../components/problem-notice';
import { leave as texts } from '../../texts/leave';
import { number } from '../../texts/numbers';
import { addCounts, fold } from './plan/fold';
import { randomKey } from './plan/random-key';
import { decide, previewQuery } from './queries';
import { Receivers } from './parts/receivers';
import { StalePlan } from './parts/stale-plan';
import { servicesOf } from './parts/summary';
import { Uncounted } from './parts/uncounted';
import type { StepProps } from './plan/choosing';

const { confirm } = texts;

interface StepConfirmProps extends StepProps {
  onDone: (departure: Schemas['Departure']) => void;
}

/** The one sentence before something happens, and what cannot be undone. */
export function StepConfirm({ user, choices, goTo, onDone }: StepConfirmProps) {
  const queries = useQueryClient();
  const { data: preview, error: failed, isFetching, refetch } = useQuery(previewQuery(user.id, choices));
  const rules = useMemo(() => (preview ? fold(preview.rules) : []), [preview]);
  const [typed, setTyped] = useState('');
  const [isTried, setIsTried] = useState(false);
  const [acceptUncounted, setAcceptUncounted] = useState(false);
  const planToken = preview?.planToken;
  const key = useMemo(() => randomKey(planToken), [planToken]);
  const deciding = useMutation({
    mutationFn: () => decide(user.id, { choices, planToken, acceptUncounted, key }),
    onSuccess: async (departure) => {
      onDone(departure);
      await Promise.all(
        ['users', 'departures', 'account'].map((noun) => queries.invalidateQueries({ queryKey: [noun] })),
      );
    },
    onError: (error) => {
      if (isProblem(error, 'plan-stale')) void refetch();
    },
  });
  const counts = addCounts(rules.map((rule) => rule.counts));
  const destroyed = rules
    .filter(({ destroys }) => destroys > 0)
    .toSorted((a, b) => Number(a.service === 'identity') - Number(b.service === 'identity'));
  const isDeletion = choices.transition === 'deleted';
  const isTyped = !isDeletion || same(typed, user.name);
  const mustAccept = (preview?.uncounted.length ?? 0) > 0 && !acceptUncounted;
  const isReady = preview?.possible === true && !isFetching && !deciding.isPending && !mustAccept;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTried(true);
    if (isReady && isTyped) deciding.mutate();
  };
  const stale = isProblem(deciding.error, 'plan-stale') ? deciding.error : undefined;
  const word = choices.effectiveAt ? confirm.schedule : confirm.submit;
  return (
    <form className="narrow stack loose" onSubmit={submit} noValidate>
      <h1 className="sr">{confirm.title(user.name)}</h1>
      {failed && <ProblemNotice error={failed} onRetry={() => void refetch()} />}
      {preview && (
        <>
          {stale && <StalePlan problem={stale} rules={rules} />}
          <p className="statement" aria-busy={isFetching}>
            {confirm.statement(counts.hands + counts.ends, servicesOf(rules), counts.stays)}{' '}
            <span className={counts.destroyed > 0 ? 'destroyed' : undefined}>
              {counts.destroyed > 0 ? confirm.destroyed(counts.destroyed) : confirm.noneDestroyed}
            </span>
          </p>
          <dl className="kv">
            <dt>{confirm.when}</dt>
            <dd>{choices.effectiveAt ? <Moment at={choices.effectiveAt} /> : confirm.now}</dd>
            {choices.returnAt && (
              <>
                <dt>{texts.what.returnAt}</dt>
                <dd>
                  <Moment at={choices.returnAt} />
                </dd>
              </>
            )}
            {choices.tellContacts && preview.contactsToTellTotal > 0 && (
              <>
                <dt>{confirm.tell}</dt>
                <dd>{choices.tellContacts.text}</dd>
              </>
            )}
            {choices.reason && (
              <>
                <dt>{texts.what.reason}</dt>
                <dd>{choices.reason}</dd>
              </>
            )}
          </dl>
          {destroyed.length > 0 && (
            <section className="panel" aria-labelledby="undone">
              <header>
                <h2 id="undone">{confirm.cannotUndo}</h2>
              </header>
              <ul className="lines pad">
                {destroyed.map(({ rule, label, destroys }) => (
                  <li key={rule}>
                    <span className="fate destroyed">
                      <Icon name="destroyed" />
                    </span>
                    {label}
                    <b className="push">{number(destroys)}</b>
                  </li>
                ))}
              </ul>
            </section>
          )}
          <Receivers rules={rules} />
          <Uncounted services={preview.uncounted} />
          {preview.uncounted.length > 0 && (
            <label className="check">
              <input
                type="checkbox"
                checked={acceptUncounted}
                onChange={(event) => setAcceptUncounted(event.target.checked)}
              />
              {texts.choose.acceptUncounted}
            </label>
          )}
          {isDeletion && (
            <Field
              label={confirm.typed(user.name)}
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              problem={isTried && !isTyped ? confirm.typedWrong : undefined}
            />
          )}
          {deciding.error && !stale && <ProblemNotice error={deciding.error} title={confirm.failed} />}
          <p className="actions">
            <button className={isDeletion ? 'btn destroy' : 'btn primary'} type="submit" aria-disabled={!isReady}>
              {deciding.isPending ? confirm.busy : word[choices.transition](user.name)}
            </button>
            <button className="btn quiet" type="button" onClick={() => goTo('choose')}>
              {confirm.back}
            </button>
          </p>
        </>
      )}
    </form>
  );
}

/** As it is read, not as it is encoded. */
const same = (one: string, other: string): boolean => one.trim().normalize('NFC') === other.trim().normalize('NFC');
