/* The one conditional write, with two servers on one database, clients that repeat themselves, crashes at
 * any moment, and a reset in between. Checked exhaustively:
 *
 *     spin -run -noclaim models/commit.pml
 *
 * What it shows, in every interleaving: a time step is accepted once in the life of a key; failures are
 * counted exactly; what was committed before a reset reaches nothing after it; a reply "accepted" has a
 * committed acceptance behind it. Crypto, waiting times and windows are left out: the Rust tests have those.
 */

#define SERVERS   2
#define REQUESTS  4     /* answers that arrive, right or wrong, in any order */
#define RESETS    1
#define LAST_STEP 2     /* time steps 1 .. LAST_STEP; 0 is "none spent yet" */

/* The row of the factor. */
byte version = 0, generation = 0, last = 0, failures = 0;

/* Ghosts: what really happened, for the assertions alone. */
byte accepted[LAST_STEP + 1];  /* acceptances of each step under the present key */
byte guesses = 0;              /* wrong codes committed since the last acceptance or reset */
byte replies = 0, commits = 0; /* acceptances told, acceptances committed */

byte requests = REQUESTS, resets = RESETS;

/* A write that stands only if nobody wrote since `v` was read. */
#define UNCHANGED (version == v)

proctype Server() {
    byte v, g, l, f, parked, step;
    bool right;

next:
    atomic {
        if
        :: requests == 0 -> goto done
        :: requests > 0 ->
            requests--;
            parked = generation;       /* the login was parked under this generation */
            if :: right = true :: right = false fi;
            if :: step = 1 :: step = 2 fi
        fi
    }
again:
    atomic { v = version; g = generation; l = last; f = failures }   /* load */
    if
    :: true                            /* go on */
    :: goto next                       /* this server dies: nothing was written, nothing is told */
    fi;
    if
    :: parked != g -> goto next        /* superseded: the key of that login is gone */
    :: parked == g && right && step <= l ->
        atomic {                       /* code-already-used: an event, no failure */
            if
            :: UNCHANGED -> version++
            :: else -> goto again
            fi
        }
    :: parked == g && right && step > l ->
        atomic {
            if
            :: UNCHANGED ->
                version++; last = step; failures = 0;
                guesses = 0; commits++; accepted[step]++;
                assert(accepted[step] == 1);
                assert(generation == parked)
            :: else -> goto again
            fi
        };
        if
        :: true -> replies++; assert(replies <= commits)
        :: true -> skip                /* dies after the write: accepted, and nobody is told */
        fi
    :: parked == g && !right ->
        atomic {
            if
            :: UNCHANGED ->
                version++; failures = f + 1;
                guesses++;
                assert(failures == guesses)
            :: else -> goto again
            fi
        }
    fi;
    goto next;
done:
    skip
}

proctype Administrator() {
    byte v, i;

again:
    atomic { v = version };
    if
    :: resets == 0 -> goto done
    :: resets > 0 ->
        atomic {
            if
            :: UNCHANGED ->
                version++; generation++; last = 0; failures = 0; resets--;
                guesses = 0;
                i = 0;
                do
                :: i <= LAST_STEP -> accepted[i] = 0; i++   /* a new key: its steps are its own */
                :: else -> break
                od
            :: else -> goto again
            fi
        }
    fi;
    goto again;
done:
    skip
}

init {
    atomic {
        byte n = 0;
        do
        :: n < SERVERS -> run Server(); n++
        :: else -> break
        od;
        run Administrator()
    }
}
