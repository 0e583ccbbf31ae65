import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { Chip } from '../../components/chip';
import { Field } from '../../components/fields/field';
import { ProblemNotice } from '../../components/problem-notice';
import { toast } from '../../components/toast';
import { zoneText } from '../../texts/dates';
import { leave as texts } from '../../texts/leave';
import type { Choices } from './plan/choices';
import { fromLocal, isFuture, toLocal } from './plan/local-time';
import { suspend } from './queries';
import type { StepProps } from './plan/choosing';

const { what } = texts;
const OPTIONS = ['suspended', 'deactivated', 'deleted'] as const;
type Option = (typeof OPTIONS)[number];

/** Suspend, deactivate or delete; now or on a day. */
export function StepWhat({ user, choices, onChoose, goTo }: StepProps) {
  const [option, setOption] = useState<Option>(choices.transition);
  const [isLater, setIsLater] = useState(choices.effectiveAt !== undefined);
  const [returns, setReturns] = useState(choices.returnAt !== undefined);
  const [isTried, setIsTried] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const change = (next: Partial<Choices>) => onChoose((before) => ({ ...before, ...next }));
  const suspending = useMutation({
    mutationFn: () => suspend(user.id),
    onSuccess: async () => {
      toast(what.suspendDone(user.name));
      await queries.invalidateQueries({ queryKey: ['users'] });
      await navigate({ to: '/people' });
    },
  });
  const wrongTime = isLater && !isFuture(choices.effectiveAt) ? what.past : undefined;
  const wrongReturn = returns && option === 'deactivated' ? returnProblem(choices) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (option === 'suspended') return suspending.mutate();
    setIsTried(true);
    if (wrongTime || wrongReturn) return;
    goTo('choose');
  };
  return (
    <form className="narrow stack loose" onSubmit={submit} noValidate>
      <h1>{what.title(user.name)}</h1>
      <fieldset className="options">
        <legend className="sr">{what.legend}</legend>
        {OPTIONS.map((one) => (
          <label key={one} className="option">
            <input
              type="radio"
              name="what"
              checked={option === one}
              disabled={one === 'suspended' && user.suspendedAt !== null}
              onChange={() => {
                setOption(one);
                if (one !== 'suspended') change({ transition: one });
              }}
            />
            <span>
              <b>{what[one].title}</b> {one === 'deactivated' && <Chip icon="info">{what.deactivated.hint}</Chip>}
              <span className="muted small">
                {one === 'suspended' && user.suspendedAt ? what.suspendedAlready : what[one].about}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {suspending.error && <ProblemNotice error={suspending.error} />}
      {option !== 'suspended' && (
        <>
          <fieldset className="stack">
            <legend className="label">{what.when}</legend>
            <span className="seg">
              {[false, true].map((later) => (
                <label key={String(later)}>
                  <input
                    type="radio"
                    name="when"
                    checked={isLater === later}
                    onChange={() => {
                      setIsLater(later);
                      change({ effectiveAt: undefined });
                    }}
                  />
                  {later ? what.later : what.now}
                </label>
              ))}
            </span>
            {isLater && (
              <Field
                label={what.at}
                type="datetime-local"
                hint={what.atHint(zoneText())}
                value={toLocal(choices.effectiveAt)}
                onChange={(event) => change({ effectiveAt: fromLocal(event.target.value) })}
                problem={isTried ? wrongTime : undefined}
              />
            )}
            {option === 'deactivated' && (
              <label className="check">
                <input
                  type="checkbox"
                  checked={returns}
                  onChange={(event) => {
                    setReturns(event.target.checked);
                    change({ returnAt: undefined });
                  }}
                />
                {what.return}
              </label>
            )}
            {option === 'deactivated' && returns && (
              <Field
                label={what.returnAt}
                type="datetime-local"
                hint={what.returnHint}
                value={toLocal(choices.returnAt)}
                onChange={(event) => change({ returnAt: fromLocal(event.target.value) })}
                problem={isTried ? wrongReturn : undefined}
              />
            )}
          </fieldset>
          <Field
            label={what.reason}
            hint={what.reasonHint}
            maxLength={1000}
            value={choices.reason ?? ''}
            onChange={(event) => change({ reason: event.target.value })}
          />
        </>
      )}
      <p className="actions">
        <button className="btn primary" type="submit" aria-disabled={suspending.isPending}>
          {option === 'suspended' ? what.suspend(user.name) : what.next}
        </button>
      </p>
    </form>
  );
}

function returnProblem({ effectiveAt, returnAt }: Choices): string | undefined {
  if (!isFuture(returnAt)) return what.past;
  return effectiveAt && returnAt! <= effectiveAt ? what.returnBefore : undefined;
}
