//! What SQLite and PostgreSQL do alike: everything but opening, [`Store::apply`](twofa::Store::apply) and the
//! sweep. Written as a macro because sqlx's traits would ask for more bounds than there is code.

use sqlx::Database;

/// A statement whose rows are read, and one that is only carried out.
pub(crate) type Query<'q, D, R> = sqlx::query::QueryAs<'q, D, R, <D as Database>::Arguments>;
pub(crate) type Statement<'q, D> = sqlx::query::Query<'q, D, <D as Database>::Arguments>;

macro_rules! store_and_directory {
    ($store:ident, $database:ty, $error:path) => {
        impl twofa::Store for $store {
            type Error = crate::Error;

            async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Error> {
                let query = sqlx::query_as(sql::LOAD)
                    .bind(subject.project_key())
                    .bind(subject.user_key());
                self.one(query, rows::stored).await
            }

            async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Error> {
                let query = sqlx::query_as(sql::RESUME).bind(login.as_bytes().as_slice());
                self.one(query, rows::resumed).await
            }

            async fn apply(&self, change: &Change) -> Result<Applied, Error> {
                if change.record.len() > twofa::MAX_RECORD_BYTES {
                    return Err(Error::RecordTooLong {
                        bytes: change.record.len(),
                    });
                }
                self.commit(change).await
            }

            async fn drain(&self) -> Result<(), Error> {
                self.writers_have_ended().await
            }

            async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Error> {
                let _turn = self.turn().await?;
                let parking = Self::parking(subject, login).execute(&self.pool);
                parking.await.map_err($error)?;
                Ok(())
            }

            async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Error> {
                let _turn = self.turn().await?;
                let done = sqlx::query(Self::SWEEP)
                    .bind(rows::sweep_before(before))
                    .bind(i64::from(limit))
                    .execute(&self.pool)
                    .await
                    .map_err($error)?;
                Ok(done.rows_affected())
            }

            async fn factors(
                &self,
                project: &ProjectId,
                after: Option<&UserId>,
                limit: u32,
            ) -> Result<Vec<FactorRow>, Error> {
                let query = sqlx::query_as(sql::FACTORS)
                    .bind(project.as_str())
                    .bind(after.map_or("", UserId::as_str));
                self.page(query, limit, rows::factor_line).await
            }

            async fn subjects(
                &self,
                project: Option<&ProjectId>,
                after: Option<&Subject>,
                limit: u32,
            ) -> Result<Vec<(Subject, Stored)>, Error> {
                let query = match (project, after) {
                    (None, None) => sqlx::query_as(sql::SUBJECTS),
                    (None, Some(after)) => sqlx::query_as(sql::SUBJECTS_AFTER)
                        .bind(after.project_key())
                        .bind(after.user_key()),
                    (Some(project), None) => {
                        sqlx::query_as(sql::SUBJECTS_OF).bind(project.as_str())
                    }
                    // After the last of another project comes all of this one, or nothing of it.
                    (Some(project), Some(after)) => match after.project().cmp(&Some(project)) {
                        Ordering::Less => sqlx::query_as(sql::SUBJECTS_OF).bind(project.as_str()),
                        Ordering::Equal => sqlx::query_as(sql::SUBJECTS_OF_AFTER)
                            .bind(project.as_str())
                            .bind(after.user_key()),
                        Ordering::Greater => return Ok(Vec::new()),
                    },
                };
                self.page(query, limit, rows::subject_line).await
            }

            async fn orphans(
                &self,
                project: Option<&ProjectId>,
                limit: u32,
            ) -> Result<Vec<Subject>, Error> {
                let query = match project {
                    None => sqlx::query_as(sql::ORPHANS),
                    Some(project) => sqlx::query_as(sql::ORPHANS_OF).bind(project.as_str()),
                };
                self.page(query, limit, rows::orphan).await
            }

            async fn chain(
                &self,
                subject: &Subject,
                after: u64,
                limit: u32,
            ) -> Result<Vec<AuditRow>, Error> {
                let query = sqlx::query_as(sql::CHAIN)
                    .bind(subject.project_key())
                    .bind(subject.user_key())
                    .bind(rows::cursor_in(after));
                self.page(query, limit, rows::audit_row).await
            }

            async fn project_events(
                &self,
                project: &ProjectId,
                after: u64,
                limit: u32,
            ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
                let query = sqlx::query_as(sql::PROJECT_EVENTS)
                    .bind(project.as_str())
                    .bind(rows::cursor_in(after));
                self.page(query, limit, |row| rows::event(row, Cursor::Written))
                    .await
            }

            async fn notices(
                &self,
                project: &ProjectId,
                after: u64,
                limit: u32,
            ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
                let query = sqlx::query_as(sql::NOTICES)
                    .bind(project.as_str())
                    .bind(rows::cursor_in(after));
                self.page(query, limit, |row| rows::event(row, Cursor::Notice))
                    .await
            }
        }

        impl twofa::Directory for $store {
            type Error = crate::Error;

            async fn standing(
                &self,
                project: &ProjectId,
                user: &UserId,
            ) -> Result<Option<Standing>, Error> {
                let query = sqlx::query_as(sql::STANDING)
                    .bind(project.as_str())
                    .bind(user.as_str());
                self.one(query, rows::standing).await
            }

            async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Error> {
                let query = sqlx::query_as(sql::PROJECT).bind(project.as_str());
                let found = self.one(query, rows::project).await?;
                Ok(found.map(|(_, project)| project))
            }

            async fn members(
                &self,
                project: &ProjectId,
                after: Option<&UserId>,
                limit: u32,
            ) -> Result<Vec<(UserId, Role)>, Error> {
                let query = sqlx::query_as(sql::MEMBERS)
                    .bind(project.as_str())
                    .bind(after.map_or("", UserId::as_str));
                self.page(query, limit, rows::member).await
            }
        }

        /// Keeping projects and members, for applications that have no tables of their own for them. Whether
        /// the caller may do so is not asked here.
        impl $store {
            /// Adds a project.
            ///
            /// # Errors
            ///
            /// [`Error::DuplicateProject`] when there is one of this id, which stays as it is.
            pub async fn add_project(
                &self,
                id: &ProjectId,
                project: &Project,
            ) -> Result<(), Error> {
                self.write_project(sql::ADD_PROJECT, id, project)
                    .await?
                    .map(drop)
                    .map_err(|error| {
                        if crate::error::is_duplicate(&error) {
                            Error::DuplicateProject(Box::new(id.clone()))
                        } else {
                            $error(error)
                        }
                    })
            }

            /// Replaces a project's settings and issuer. Counts from the next decision on.
            ///
            /// # Errors
            ///
            /// [`Error::UnknownProject`] when there is none of this id.
            pub async fn set_project(
                &self,
                id: &ProjectId,
                project: &Project,
            ) -> Result<(), Error> {
                match self.write_project(sql::SET_PROJECT, id, project).await? {
                    Ok(0) => Err(Error::UnknownProject(Box::new(id.clone()))),
                    Ok(_) => Ok(()),
                    Err(error) => Err($error(error)),
                }
            }

            async fn write_project(
                &self,
                statement: &'static str,
                id: &ProjectId,
                project: &Project,
            ) -> Result<Result<u64, sqlx::Error>, Error> {
                let settings = &project.settings;
                let _turn = self.turn().await?;
                let done = sqlx::query(statement)
                    .bind(id.as_str())
                    .bind(rows::mandate_in(settings))
                    .bind(settings.sso().code())
                    .bind(settings.handover() == Handover::Required)
                    .bind(settings.self_reset() == SelfReset::Allowed)
                    .bind(i64::from(settings.step_up_age()))
                    .bind(project.issuer.as_deref())
                    .execute(&self.pool)
                    .await;
                Ok(done.map(|done| done.rows_affected()))
            }

            /// The projects by id, after `after`, at most `limit`.
            ///
            /// # Errors
            ///
            /// Trouble with the database.
            pub async fn list_projects(
                &self,
                after: Option<&ProjectId>,
                limit: u32,
            ) -> Result<Vec<(ProjectId, Project)>, Error> {
                let query = sqlx::query_as(sql::PROJECTS).bind(after.map_or("", ProjectId::as_str));
                self.page(query, limit, rows::project).await
            }

            /// Takes a person into a project.
            ///
            /// # Errors
            ///
            /// [`Error::UnknownProject`], or [`Error::DuplicateMember`] when they are in it, whose role stays.
            pub async fn add_member(
                &self,
                project: &ProjectId,
                user: &UserId,
                role: Role,
            ) -> Result<(), Error> {
                match self
                    .write_member(sql::ADD_MEMBER, project, user, role)
                    .await?
                {
                    Ok(0) => Err(Error::UnknownProject(Box::new(project.clone()))),
                    Ok(_) => Ok(()),
                    Err(error) if crate::error::is_duplicate(&error) => {
                        Err(Error::DuplicateMember {
                            project: Box::new(project.clone()),
                            user: Box::new(user.clone()),
                        })
                    }
                    Err(error) => Err($error(error)),
                }
            }

            /// Changes what a member is. Counts from the next decision on.
            ///
            /// # Errors
            ///
            /// [`Error::UnknownMember`] when they are not in the project.
            pub async fn set_role(
                &self,
                project: &ProjectId,
                user: &UserId,
                role: Role,
            ) -> Result<(), Error> {
                match self
                    .write_member(sql::SET_ROLE, project, user, role)
                    .await?
                {
                    Ok(0) => Err(Error::UnknownMember {
                        project: Box::new(project.clone()),
                        user: Box::new(user.clone()),
                    }),
                    Ok(_) => Ok(()),
                    Err(error) => Err($error(error)),
                }
            }

            async fn write_member(
                &self,
                statement: &'static str,
                project: &ProjectId,
                user: &UserId,
                role: Role,
            ) -> Result<Result<u64, sqlx::Error>, Error> {
                let _turn = self.turn().await?;
                let done = sqlx::query(statement)
                    .bind(project.as_str())
                    .bind(user.as_str())
                    .bind(rows::role_code(role))
                    .execute(&self.pool)
                    .await;
                Ok(done.map(|done| done.rows_affected()))
            }

            /// Takes a person out of a project. Their factor and its events stay: they are asked for again should
            /// the person come back.
            ///
            /// # Errors
            ///
            /// [`Error::UnknownMember`] when they are not in the project.
            pub async fn remove_member(
                &self,
                project: &ProjectId,
                user: &UserId,
            ) -> Result<(), Error> {
                let _turn = self.turn().await?;
                let done = sqlx::query(sql::REMOVE_MEMBER)
                    .bind(project.as_str())
                    .bind(user.as_str())
                    .execute(&self.pool)
                    .await
                    .map_err($error)?;
                if done.rows_affected() == 0 {
                    return Err(Error::UnknownMember {
                        project: Box::new(project.clone()),
                        user: Box::new(user.clone()),
                    });
                }
                Ok(())
            }
        }

        impl $store {
            /// The row that a query finds, converted.
            async fn one<R, T>(
                &self,
                query: Query<'_, $database, R>,
                convert: impl FnOnce(R) -> Result<T, Error> + Send,
            ) -> Result<Option<T>, Error>
            where
                R: for<'r> FromRow<'r, <$database as sqlx::Database>::Row> + Send + Unpin,
            {
                let row = query.fetch_optional(&self.pool).await.map_err($error)?;
                row.map(convert).transpose()
            }

            /// The rows that a query finds, each converted. The query's last parameter is how many at most.
            async fn page<R, T>(
                &self,
                query: Query<'_, $database, R>,
                limit: u32,
                convert: impl Fn(R) -> Result<T, Error> + Send,
            ) -> Result<Vec<T>, Error>
            where
                R: for<'r> FromRow<'r, <$database as sqlx::Database>::Row> + Send + Unpin,
            {
                let query = query.bind(i64::from(limit));
                let rows = query.fetch_all(&self.pool).await.map_err($error)?;
                rows.into_iter().map(convert).collect()
            }

            /// The statement that parks a login.
            fn parking<'q>(
                subject: &'q Subject,
                login: &'q ParkedLogin,
            ) -> Statement<'q, $database> {
                sqlx::query(sql::PARK)
                    .bind(login.id.as_bytes().as_slice())
                    .bind(subject.project_key())
                    .bind(subject.user_key())
                    .bind(login.kind.code())
                    .bind(i64::from(login.generation))
                    .bind(rows::time_in(login.parked))
                    .bind(rows::time_in(login.expires))
                    .bind(i64::from(login.failures))
            }
        }
    };
}

pub(crate) use store_and_directory;
