/* Keys that two hosts change at once, beside a server that writes. Checked exhaustively:
 *
 *     spin -run -noclaim models/keys.pml
 *
 * A host adds a key to its own ring, registers it in the store's record of its keys, activates it, waits for
 * the writers on their way, reseals what rests under another key, and retires the key before. The server
 * compares the version of that record when it begins to write and may commit a moment later, as a statement
 * does whose snapshot was taken before the keys changed. Either host dies at any moment.
 *
 * What it shows, in every interleaving: there is one active key; a key is never retired while anything rests
 * under it or can still come to rest under it; whoever loses the race registers nothing. Without the wait
 * (`-DNODRAIN`) it finds a write that lands under a retired key.
 */

#define HOSTS   2
#define RECORDS 2
#define WRITES  3

mtype = { absent, added, inuse, reading, retired };

/* The store's record of its keys: key 0 was there first, host n brings key n + 1. */
byte  version = 1;
byte  current = 0;                 /* the active key */
mtype state[HOSTS + 1];

/* The key that each record rests under, and how many writes are between their look at the keys and their commit. */
byte under[RECORDS];
byte on_their_way = 0;
byte writes = WRITES;

#define UNCHANGED (version == v)

inline one_active() {
    assert(state[current] == inuse);
    assert((state[0] == inuse) + (state[1] == inuse) + (state[2] == inuse) == 1)
}

proctype Server() {
    byte key, record;

next:
    if
    :: writes == 0 -> goto done
    :: writes > 0 ->
        atomic {
            writes--;
            if :: record = 0 :: record = 1 fi;
            /* The statement's snapshot: the key is compared with the record of keys as it stands now. */
            key = current;
            on_their_way++
        }
    fi;
    atomic {
        under[record] = key;       /* the commit */
        on_their_way--;
        assert(state[key] != retired)
    };
    goto next;
done:
    skip
}

/* `mine` is the key that this host has made. Its ring holds that and key 0; a key of the other host's in the
 * record is one that it does not hold, and it changes nothing then. */
proctype Host(byte mine) {
    byte v, before, i;

    atomic {
        v = version;
        if
        :: state[3 - mine] != absent -> goto lost
        :: else
        fi
    };
    atomic {
        if
        :: UNCHANGED -> version++; state[mine] = added
        :: else -> goto lost           /* the other came first */
        fi
    };
    if :: true :: goto dies fi;
    atomic {
        v = version;
        if
        :: state[3 - mine] != absent -> goto lost
        :: else
        fi
    };
    atomic {
        if
        :: UNCHANGED ->
            version++;
            before = current;
            state[before] = reading;
            state[mine] = inuse;
            current = mine;
            one_active()
        :: else -> goto lost
        fi
    };
    if :: true :: goto dies fi;
#ifndef NODRAIN
    /* The server's later writes compare with the new key: only those on their way are waited for. */
    on_their_way == 0;
#endif
    i = 0;
    do
    :: i < RECORDS ->
        if
        :: under[i] == before -> under[i] = mine
        :: else
        fi;
        if :: true :: goto dies fi;
        i++
    :: else -> break
    od;
    atomic {
        v = version;
        i = 0;
        do
        :: i < RECORDS -> assert(under[i] != before); i++
        :: else -> break
        od
    };
    atomic {
        if
        :: UNCHANGED -> version++; state[before] = retired; one_active()
        :: else -> goto done           /* to be tried again: nothing is lost by a key that stays for reading */
        fi
    };
    goto done;
lost:
    assert(current != mine);           /* nothing rests under its key */
dies:
done:
    skip
}

init {
    atomic {
        state[0] = inuse;
        state[1] = absent;
        state[2] = absent;
        run Server();
        run Host(1);
        run Host(2)
    }
}
